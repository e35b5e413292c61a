package PVE::Storage::ISCSIDirectPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'iscsidirect';
}

sub plugindata {
    return {
        content => [{ images => 1, none => 1 }, { images => 1 }],
        select_existing => 1,
        'sensitive-properties' => {},
    };
}

1;

__END__

=head1 NAME

PVE::Storage::ISCSIDirectPlugin - the type iscsidirect, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
