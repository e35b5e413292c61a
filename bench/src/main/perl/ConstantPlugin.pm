package PVE::Storage::Custom::ConstantPlugin; ## no critic (RequireFilenameMatchesPackage)

use v5.36;

use base qw(PVE::Storage::Plugin);

# A plugin whose calls cost nothing, so that what is measured is the way to it and back.

sub api ($class) {
    return 13;
}

sub type ($class) {
    return 'constant';
}

sub plugindata ($class) {
    return { content => [{ images => 1 }, { images => 1 }] };
}

sub options ($class) {
    return { path => { fixed => 1 } };
}

sub volume_size_info ($class, $scfg, $storeid, $volname, $timeout) {
    return (67108864, 'qcow2', 200704, undef, 1760000000);
}

# The same as those of the storage in Java. Made anew for each call, as a plugin does that lists a storage.
sub list_images ($class, $storeid, $scfg, $vmid, $vollist, $cache) {
    return [
        map {
            my $owner = 100 + int($_ / 10);
            my $disk = $_ % 10;
            {
                volid => "$storeid:$owner/vm-$owner-disk-$disk.qcow2",
                format => 'qcow2',
                size => 34359738368 + $_,
                vmid => $owner,
                used => 4294967296 + $_,
                ctime => 1760000000 + $_,
            }
        } 0 .. 19_999
    ];
}

1;
