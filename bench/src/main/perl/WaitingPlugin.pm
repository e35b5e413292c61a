package PVE::Storage::Custom::WaitingPlugin; ## no critic (RequireFilenameMatchesPackage)

use v5.36;

use Time::HiRes ();

use base qw(PVE::Storage::Plugin);

# A plugin whose calls cost nothing but the time that they are told to wait.

use constant LONG => 10;

sub api ($class) {
    return 13;
}

sub type ($class) {
    return 'waiting';
}

sub plugindata ($class) {
    return { content => [{ images => 1 }, { images => 1 }] };
}

sub options ($class) {
    return { path => { fixed => 1 } };
}

sub volume_size_info ($class, $scfg, $storeid, $volname, $timeout) {
    Time::HiRes::sleep($1 / 1000) if $volname =~ m/\Await-(\d+)\z/;
    return (67108864, 'qcow2', 200704, undef, 1760000000);
}

sub volume_snapshot ($class, $scfg, $storeid, $volname, $snap) {
    sleep(LONG);
    return;
}

sub activate_storage ($class, $storeid, $scfg, $cache) {
    return 1;
}

sub status ($class, $storeid, $scfg, $cache) {
    return (4096, 3072, 1024, 1);
}

sub path ($class, $scfg, $volname, $storeid, $snapname = undef) {
    return ("$scfg->{path}/$volname", 100, 'images');
}

sub list_images ($class, $storeid, $scfg, $vmid, $vollist, $cache) {
    return [
        map {
            {
                volid => "$storeid:100/vm-100-disk-$_.raw",
                format => 'raw',
                size => 4096,
                vmid => 100
            }
        } 0 .. 9
    ];
}

sub volume_import ($class, $scfg, $storeid, $fh, $volname, $format, @more) {
    my $file = "$scfg->{path}/imported";
    open(my $out, '>', $file) or die "$file: $!\n";
    while (my $count = sysread($fh, my $bytes, 1 << 20)) {
        syswrite($out, $bytes) == $count or die "$file: $!\n";
    }
    close($out) or die "$file: $!\n";
    return "$storeid:$volname";
}

1;
