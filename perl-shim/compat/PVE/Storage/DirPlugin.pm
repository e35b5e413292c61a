package PVE::Storage::DirPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

use Symbol qw(qualify_to_ref);

# Plugins call these as functions, with their own class as first argument.
my @FUNCTIONS = qw(
    get_import_metadata
    get_volume_attribute
    get_volume_notes
    update_volume_attribute
    update_volume_notes
    volume_qemu_snapshot_method
);

for my $name (@FUNCTIONS) {
    *{ qualify_to_ref($name, __PACKAGE__) } = PVE::Storage::Plugin->can($name) // sub {
        die "PVE::Storage::DirPlugin::$name is not offered by Tenon's compat layer;"
            . " run the plugin where PVE's own libraries are installed, or do without it\n";
    };
}

sub type {
    return 'dir';
}

sub plugindata {
    return {
        content => [
            { map { $_ => 1 } qw(images rootdir vztmpl iso backup snippets import none) },
            { images => 1, rootdir => 1 }
        ],
        format => [{ raw => 1, qcow2 => 1, vmdk => 1, subvol => 1 }, 'raw'],
        'sensitive-properties' => {},
    };
}

1;

__END__

=head1 NAME

PVE::Storage::DirPlugin - what plugins borrow from the type dir

=head1 SYNOPSIS

    sub get_volume_attribute {
        return PVE::Storage::DirPlugin::get_volume_attribute(@_);
    }

=head1 DESCRIPTION

Part of Tenon's compat layer. Its methods are those of L<PVE::Storage::Plugin>.

=head1 FUNCTIONS

=head2 get_volume_attribute, update_volume_attribute, get_volume_notes, update_volume_notes

The method of the base class, with the class that is the first argument. Also
C<get_import_metadata> and C<volume_qemu_snapshot_method>.

=cut
