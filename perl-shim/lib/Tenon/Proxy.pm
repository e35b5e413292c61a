package Tenon::Proxy;

use v5.36;

use Tenon::Api;
use Tenon::Client;

my %CLIENTS;

sub client ($class, $socket = undef) {
    return $CLIENTS{ $socket // '' } //= Tenon::Client->new(socket => $socket);
}

# A call of a generated class, which knows nothing of Tenon but this.
sub forward ($class, $socket, $plugin, $name, $want, $self, @args) {
    my $client = $class->client($ENV{TENON_SOCKET} // $socket);
    return _lock($client, $plugin, $self, @args) if $name eq 'cluster_lock_storage';
    return _hook($client, $plugin, $name, $want, @args) if $name =~ m/\Aon_(?:update|delete)_hook/;
    return _call($client, $plugin, $name, $want, @args);
}

# What a host changes to stop using a storage, and what adds nothing to such a change.
my %HOSTS_OWN = map { $_ => 1 } qw(digest disable nodes type);

# The errors of a daemon that is not there, or does not answer.
my %IS_GONE = map { $_ => 1 }
    qw(CONNECT_FAILED CONNECTION_LOST DEADLINE_EXCEEDED PEER_REFUSED UNSUPPORTED_VERSION);

# PVE tells a plugin before it takes a storage out. A storage may be removed because its daemon is gone, so a missing daemon
# must not prevent that.
sub _hook ($client, $plugin, $name, $want, @args) {
    my @result = eval {
        (
              $want
            ? $client->call($plugin, $name, @args)
            : scalar($client->call($plugin, $name, @args)))
    };
    my $err = $@ || return $want ? @result : $result[0];
    _die($err) if !_is_tenons($err) || $err->outcome ne 'NOT_STARTED' || !$IS_GONE{ $err->name };
    _die($err) if !_takes_out($name, @args);
    my $done = $name eq 'on_delete_hook' ? 'removed' : 'changed';
    my $left =
        $name eq 'on_delete_hook' ? ', and what it keeps for it, such as a password, is left' : '';
    warn "storage '$args[0]' is $done, but its plugin was not told$left: $name: "
        . $err->message . "\n";
    return;
}

sub _takes_out ($name, @args) {
    return 1 if $name eq 'on_delete_hook';
    my ($update, $delete, @secrets) =
        $name eq 'on_update_hook_full'
        ? (@args[2, 3], ($args[4] // {})->%*)
        : ($args[1], undef, @args[2 .. $#args]);
    return 0 if @secrets || !keys(($update // {})->%*) && !($delete // [])->@*;
    return !grep { !$HOSTS_OWN{$_} } keys(($update // {})->%*), ($delete // [])->@*;
}

sub _is_tenons ($err) {
    return ref($err) && eval { $err->isa('Tenon::Error') };
}

# Nor does how names tell formats: these storages have the names of the host's base class, if it has those methods.
sub install ($class, $package, $plugin) {

    # What a plugin is must be known without a daemon; PVE checks configurations with that, and locks storages itself.
    my $api = Tenon::Api->load;
    my @methods = grep {
        my $row = $api->method($_);
        !$row->{answered} && !$row->{declared};
    } $api->method_names;
    return $class->install_methods($package, $plugin, @methods);
}

sub install_methods ($class, $package, $plugin, @methods) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    *{"${package}::tenon_call"} = sub ($self, $name, $want, @args) {
        return _call(Tenon::Proxy->client, $plugin, $name, $want, @args);
    };
    for my $name (@methods) {
        *{"${package}::$name"} =
            $name eq 'cluster_lock_storage'
            ? sub { return _lock(Tenon::Proxy->client, $plugin, @_) }
            : sub {
            my ($self, @args) = @_;
            my $client = Tenon::Proxy->client;
            return _hook($client, $plugin, $name, wantarray, @args)
                if $name =~ m/\Aon_(?:update|delete)_hook/;
            return _call($client, $plugin, $name, wantarray, @args);
            };
    }
    return;
}

# What the locked code returns or dies with stays in this process, whatever it is; a plugin only learns that it ran.
sub _lock ($client, $plugin, $class, $storeid, $shared, $timeout, $code, @args) {
    my ($result, $err, $has_run);
    my $locked = sub {
        $has_run = eval { $result = $code->(@args); 1 };
        return undef if $has_run; ## no critic (ProhibitExplicitReturnUndef)
        $err = $@;
        die "the locked code failed\n";
    };
    my $good = eval {
        _call($client, $plugin, 'cluster_lock_storage', 0, $storeid, $shared, $timeout, $locked);
        1;
    };
    die $err if defined($err);
    die $@ if !$good;
    return $result;
}

sub _call ($client, $plugin, $name, $want, @args) {
    my @result = eval {
              $want
            ? $client->call($plugin, $name, @args)
            : scalar($client->call($plugin, $name, @args));
    };
    _die($@) if $@;
    return $want ? @result : $result[0];
}

# PVE prints errors and matches their text, so it gets text, where the error is not PVE's own object.
sub _die ($err) {
    die $err if !_is_tenons($err);
    my $fields = $err->exception;
    if (ref($fields) eq 'HASH' && defined($fields->{msg}) && PVE::Exception->can('new')) {
        die PVE::Exception->new($fields->{msg}, $fields->%*);
    }
    die $err->text;
}

1;

__END__

=head1 NAME

Tenon::Proxy - makes a class whose methods a storage in Java answers

=head1 SYNOPSIS

    package PVE::Storage::Custom::TenonDirPlugin;

    use parent 'PVE::Storage::Plugin';

    use Tenon::Proxy;

    sub type { return 'tenondir' }
    ...
    Tenon::Proxy->install(__PACKAGE__, 'dir');

=head1 DESCRIPTION

The methods that describe a plugin (C<api type plugindata properties options>) stay with the class, since PVE asks for
them when nobody answers yet. All others go to the daemon.

=head1 METHODS

=head2 client

    my $client = Tenon::Proxy->client;

    my $client = Tenon::Proxy->client($socket);

The L<Tenon::Client> of this process for this socket, by default the usual one.

=head2 forward

    return Tenon::Proxy->forward($socket, $plugin, $name, wantarray, $class, @args);

Makes one call; the hooks that tell of a storage that is disabled or removed succeed with a warning while the daemon is
gone, since that is how such a storage is taken out. For the classes that C<tenon proxy> and C<tenon adopt> write. C<$ENV{TENON_SOCKET}> wins over the socket.

=head2 install

    Tenon::Proxy->install($package, $plugin);

Gives the package a method for every row of the table but those that a host answers itself. They die with text, as PVE expects; with a C<PVE::Exception> where
the storage threw one.

=head2 install_methods

    Tenon::Proxy->install_methods($package, $plugin, @names);

Gives it these methods alone; the package inherits the others. Where there is no PVE to inherit from, C<tenon_call>, which
it gets too, asks the daemon for them.

=cut
