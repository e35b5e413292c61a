package PVE::Storage::BTRFSPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

sub type {
    return 'btrfs';
}

sub plugindata {
    return {
        content => [
            { map { $_ => 1 } qw(images rootdir vztmpl iso backup snippets import none) },
            { images => 1, rootdir => 1 }
        ],
        format => [{ raw => 1, subvol => 1 }, 'raw'],
        'sensitive-properties' => {},
    };
}

1;

__END__

=head1 NAME

PVE::Storage::BTRFSPlugin - the type btrfs, by name only

=head1 DESCRIPTION

Part of Tenon's compat layer. Knows the type's name and what may be stored in it. Its methods are
those of L<PVE::Storage::Plugin>; the storages themselves need PVE.

=cut
