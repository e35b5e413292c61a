package Tenon::Remote;

use v5.36;

use Tenon::Api;
use Tenon::Client;
use Tenon::Proxy;

# These a program asks the daemon for itself; the others it answers as the host that it is.
my %HOSTS_OWN = map { $_ => 1 } qw(api type cluster_lock_storage new_backup_provider);

sub install ($class, $package, $type, $socket) {
    $ENV{TENON_SOCKET} = $socket;
    my $client = Tenon::Client->new(socket => $socket);
    my @served = ($client->peer->{plugins} // [])->@*;
    die "the daemon at '$socket' serves no type '$type'\n" if !grep { $_ eq $type } @served;
    my @methods = grep { !$HOSTS_OWN{$_} } Tenon::Api->load->method_names;
    Tenon::Proxy->install_methods($package, $type, @methods);
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    *{"${package}::api"} = sub { return Tenon::Api->load->newest };
    *{"${package}::type"} = sub { return $type };
    return;
}

# The names under which the daemon serves plugins.
sub served ($class, $socket) {
    my $client = Tenon::Client->new(socket => $socket);
    my @served = ($client->peer->{plugins} // [])->@*;
    $client->disconnect;
    return @served;
}

1;

__END__

=head1 NAME

Tenon::Remote - a plugin that the daemon serves, as a class

=head1 SYNOPSIS

    package PVE::Storage::Custom::TenonServed;
    use parent 'PVE::Storage::Plugin';
    use Tenon::Remote;
    Tenon::Remote->install(__PACKAGE__, 'nas', '/run/tenon/control.sock');

=head1 DESCRIPTION

For commands that meet a storage whose type is neither Java's nor a plugin's that they can host. Unlike a proxy class it asks
the daemon what the plugin is, so it must not be used on a PVE host.

=head1 METHODS

=head2 install

    Tenon::Remote->install($package, $type, $socket);

Gives the package every method; dies in one sentence if the daemon does not serve the type, or is not there.

=head2 served

    my @types = Tenon::Remote->served($socket);

The names under which the daemon serves plugins.

=cut
