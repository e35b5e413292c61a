package Tenon::Proxy;

use v5.36;

use Tenon::Api;
use Tenon::Client;

my %LOCAL = map { $_ => 1 } qw(api options plugindata properties type);

my $CLIENT;

sub client ($class) {
    return $CLIENT //= Tenon::Client->new;
}

sub install ($class, $package, $plugin) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    for my $name (Tenon::Api->load->method_names) {
        next if $LOCAL{$name};
        *{"${package}::$name"} = sub {
            my ($self, @args) = @_;
            return _call($plugin, $name, wantarray, @args);
        };
    }
    return;
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

Gives the package a method for every row of the table. They die with text, as PVE expects; with a C<PVE::Exception> where
the storage threw one.

=cut
