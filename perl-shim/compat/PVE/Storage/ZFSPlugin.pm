package PVE::Storage::ZFSPlugin;

use v5.36;

use base qw(PVE::Storage::ZFSPoolPlugin);

sub type {
    return 'zfs';
}

sub plugindata {
    return {
        content => [{ images => 1 }, { images => 1 }],
        'sensitive-properties' => {},
    };
}

1;

__END__

=head1 NAME

PVE::Storage::ZFSPlugin - the type zfs, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
