package PVE::INotify;

use v5.36;

use Exporter qw(import);
use POSIX ();
use Symbol qw(qualify_to_ref);

our @EXPORT_OK = qw(nodename read_file register_file write_file);

# The names must exist for `use PVE::INotify qw(name)` to compile.
for my $name (qw(read_file register_file write_file)) {
    *{ qualify_to_ref($name, __PACKAGE__) } = sub {
        die "PVE::INotify::$name is not offered by Tenon's compat layer, which knows no registered"
            . " files; read the file itself, or run the plugin where PVE's own libraries are"
            . " installed\n";
    };
}

my $nodename;

sub nodename {
    if (!defined($nodename)) {
        my $full = (POSIX::uname())[1];
        ($nodename) = $full =~ m/\A([^.]+)/ or die "unable to get the node name from '$full'\n";
    }
    return $nodename;
}

1;

__END__

=head1 NAME

PVE::INotify - the name of this node

=head1 SYNOPSIS

    my $node = PVE::INotify::nodename();

=head1 DESCRIPTION

Part of Tenon's compat layer. C<read_file>, C<write_file> and C<register_file> can be imported, and
die with a text that says that they are not offered.

=head1 FUNCTIONS

=head2 nodename

The kernel's name of this machine, up to the first dot.

=cut
