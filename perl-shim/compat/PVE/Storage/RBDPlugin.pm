package PVE::Storage::RBDPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'rbd';
}

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1 }, { images => 1 }],
        'sensitive-properties' => { keyring => 1 },
    };
}

sub parse_volname {
    my ($class, $volname) = @_;

    if ($volname =~ m{\A(?:(base-([0-9]+)-\S+)/)?((base)?(?:vm)?-([0-9]+)-\S+)\z}) {
        return ('images', $3, $5, $1, $2, $4, 'raw');
    }
    die "unable to parse rbd volume name '$volname'\n";
}

1;

__END__

=head1 NAME

PVE::Storage::RBDPlugin - the type rbd, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name, its volumes' names and what may be stored in it. Its
other methods are those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
