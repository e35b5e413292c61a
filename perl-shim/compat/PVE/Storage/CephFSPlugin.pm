package PVE::Storage::CephFSPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'cephfs';
}

sub plugindata {
    return {
        content => [{ map { $_ => 1 } qw(vztmpl iso backup snippets import) }, { backup => 1 }],
        'sensitive-properties' => { keyring => 1 },
    };
}

1;

__END__

=head1 NAME

PVE::Storage::CephFSPlugin - the type cephfs, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
