package PVE::Storage::Custom::PoolPlugin;

# A storage of devices: it has a pool and no directory, and its volumes are names without a slash.

use v5.36;

use parent qw(PVE::Storage::Plugin);

sub api { return 11 }
sub type { return 'pool-of-devices' }

sub plugindata {
    return { content => [{ images => 1, rootdir => 1 }, { images => 1 }], format => [{ raw => 1 }, 'raw'] };
}

sub properties {
    return { 'device-pool' => { description => 'The pool.', type => 'string' } };
}

sub options {
    return { 'device-pool' => { fixed => 1 }, content => { optional => 1 }, nodes => { optional => 1 } };
}

sub parse_volname {
    my ($class, $volname) = @_;

    die "unable to parse pool volume name '$volname'\n"
        if $volname !~ m{\A(?:(base-([0-9]+)-[a-z0-9-]+)/)?((vm|base|subvol)-([0-9]+)-[a-z0-9-]+)\z};
    my ($base, $base_vmid, $name, $kind, $vmid) = ($1, $2, $3, $4, $5);
    my $format = $kind eq 'subvol' ? 'subvol' : 'raw';
    return ('images', $name, $vmid, $base, $base_vmid, $kind eq 'base', $format);
}

1;
