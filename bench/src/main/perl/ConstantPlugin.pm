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

1;
