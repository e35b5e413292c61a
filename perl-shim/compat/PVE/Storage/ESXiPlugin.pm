package PVE::Storage::ESXiPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'esxi';
}

sub plugindata {
    return {
        content => [{ import => 1 }, { import => 1 }],
        format => [{ raw => 1, qcow2 => 1, vmdk => 1 }, 'raw'],
        'sensitive-properties' => { password => 1 },
    };
}

1;

__END__

=head1 NAME

PVE::Storage::ESXiPlugin - the type esxi, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
