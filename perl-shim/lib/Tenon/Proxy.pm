package Tenon::Proxy;

use v5.36;

use Tenon::Api;
use Tenon::Client;

# What a plugin is must be known without a daemon; PVE checks configurations with that, and locks storages itself. Streams
# and backup providers do not cross: what PVE's base class makes of the other methods is right for storages with a path.
my %LOCAL = map { $_ => 1 }
    qw(api check_config cluster_lock_storage options plugindata properties type),
    qw(new_backup_provider volume_export volume_export_formats volume_import volume_import_formats);

my $CLIENT;

sub client ($class) {
    return $CLIENT //= Tenon::Client->new;
}

sub install ($class, $package, $plugin) {
    my @methods = grep { !$LOCAL{$_} } Tenon::Api->load->method_names;
    return $class->install_methods($package, $plugin, @methods);
}

sub install_methods ($class, $package, $plugin, @methods) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    for my $name (@methods) {
        *{"${package}::$name"} =
            $name eq 'cluster_lock_storage'
            ? sub { return _lock($plugin, @_) }
            : sub {
            my ($self, @args) = @_;
            return _call($plugin, $name, wantarray, @args);
            };
    }
    return;
}

# What the locked code returns or dies with stays in this process, whatever it is; a plugin only learns that it ran.
sub _lock ($plugin, $class, $storeid, $shared, $timeout, $code, @args) {
    my ($result, $err, $has_run);
    my $locked = sub {
        $has_run = eval { $result = $code->(@args); 1 };
        return undef if $has_run; ## no critic (ProhibitExplicitReturnUndef)
        $err = $@;
        die "the locked code failed\n";
    };
    my $good =
        eval { _call($plugin, 'cluster_lock_storage', 0, $storeid, $shared, $timeout, $locked); 1 };
    die $err if defined($err);
    die $@ if !$good;
    return $result;
}

sub _call ($plugin, $name, $want, @args) {
    my @result = eval {
        $want
            ? Tenon::Proxy->client->call($plugin, $name, @args)
            : scalar(Tenon::Proxy->client->call($plugin, $name, @args));
    };
    if (my $err = $@) {

        # PVE prints errors and matches their text, so it gets text, where the error is not PVE's own object.
        die $err if !ref($err) || !eval { $err->isa('Tenon::Error') };
        my $fields = $err->exception;
        if (ref($fields) eq 'HASH' && defined($fields->{msg}) && PVE::Exception->can('new')) {
            die PVE::Exception->new($fields->{msg}, $fields->%*);
        }
        die $err->text;
    }
    return $want ? @result : $result[0];
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

The L<Tenon::Client> of this process.

=head2 install

    Tenon::Proxy->install($package, $plugin);

Gives the package a method for every row of the table but those that a host answers itself. They die with text, as PVE expects; with a C<PVE::Exception> where
the storage threw one.

=head2 install_methods

    Tenon::Proxy->install_methods($package, $plugin, @names);

Gives it these methods alone; the package inherits the others.

=cut
