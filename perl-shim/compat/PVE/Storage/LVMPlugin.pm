package PVE::Storage::LVMPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'lvm';
}

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'],
        'sensitive-properties' => {},
    };
}

sub parse_volname {
    my ($class, $volname) = @_;

    PVE::Storage::Plugin::parse_lvm_name($volname);
    if ($volname =~ m/\A(vm-([0-9]+)-\S+)\z/) {
        return ('images', $1, $2, undef, undef, undef, $volname =~ m/\.qcow2\z/ ? 'qcow2' : 'raw');
    }
    die "unable to parse lvm volume name '$volname'\n";
}

1;

__END__

=head1 NAME

PVE::Storage::LVMPlugin - the type lvm, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name, its volumes' names and what may be stored in it. Its
other methods are those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
