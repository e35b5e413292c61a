package PVE::Storage::PBSPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'pbs';
}

sub plugindata {
    return {
        content => [{ backup => 1, none => 1 }, { backup => 1 }],
        'sensitive-properties' => { 'encryption-key' => 1, 'master-pubkey' => 1, password => 1 },
    };
}

1;

__END__

=head1 NAME

PVE::Storage::PBSPlugin - the type pbs, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
