package Tenon::Client;

use v5.36;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Tenon::Api;
use Tenon::Callback;
use Tenon::Descriptors;
use Tenon::Error;
use Tenon::Names;
use Tenon::Schema;
use Tenon::Session;

use constant DEFAULT_SOCKET => '/run/tenon/control.sock';

# Whoever is nearer to the storage knows more of a call that is late: the storage keeps the method's own deadline, the
# daemon a longer one, and this side the longest, so that their word arrives.
use constant GRACE_SECONDS => 2;

use constant SILENT_SECONDS => 60;
use constant SILENT_HELLO_SECONDS => 0.25;

# Until when a socket's daemon is taken for one that hangs. A fork knows it too.
my %SILENT;

# Before its own time begins, a call may wait for a process of an adopted plugin; one that may last waits as long as others
# may last.
use constant { WAIT_SECONDS => 10, LONG_SECONDS => 600 };

sub new ($class, %opt) {
    return bless {
        api => $opt{api} // Tenon::Api->load,
        patience => $opt{patience},
        socket => $opt{socket} // $ENV{TENON_SOCKET} // DEFAULT_SOCKET,
    }, $class;
}

sub call ($self, $plugin, $name, @args) {
    my $api = $self->{api};
    my $method = $api->method($name);
    local %Tenon::Callback::CODE = %Tenon::Callback::CODE;

    # An open file crosses before the call that names it.
    local $Tenon::Descriptors::PATH =
          $method->{has_stream}
        ? $self->_session(_what_of($api, $plugin, $method, \@args))->peer->{descriptors}
        : undef;
    my $params = Tenon::Schema::params_to_wire($api, $method, $api->newest, \@args);
    $params->{log} = Tenon::Callback::id_of(\&_log) if $method->{has_stream};
    my $what = _what($plugin, $name, $params);
    my $wire = eval {
        [
            $self->_session($what)->call(
                $name, $params,
                plugin => $plugin,
                seconds => $method->{deadline} + _wait($method) + GRACE_SECONDS,
                grace => GRACE_SECONDS,
                what => $what,
            )];
    };
    if (!$wire) {
        my $err = $@;
        $self->_note_silence($err);
        Tenon::Schema::apply_changed($api, $method, $api->newest, \@args, $err->changed)
            if ref($err) && eval { $err->isa('Tenon::Error') };
        die $err;
    }
    if ($method->{result}->{kind} && $method->{result}->{kind} eq 'cleanup') {
        my $token = $wire->[0] // return undef; ## no critic (ProhibitExplicitReturnUndef)
        return sub { return $self->claim($plugin, $token) };
    }
    return Tenon::Schema::answer_from_wire($api, $method, \@args, $wire->[0], wantarray);
}

sub _wait ($method) {
    my $deadline = $method->{deadline};
    return $deadline >= LONG_SECONDS || $deadline < WAIT_SECONDS ? $deadline : WAIT_SECONDS;
}

# Mostly in a worker, whose parent has gone by then; so it has a connection of its own, and all the time it needs.
sub claim ($self, $plugin, $token) {
    my $what = "the work that free_image of $plugin left";
    $self->_session($what)->call('claim', { token => $token }, plugin => $plugin, what => $what);
    return;
}

sub _nested ($name, $params, $context) {
    return Tenon::Callback::run($params) if $name eq 'callback';
    Tenon::Error->throw('UNKNOWN_METHOD', 'NOT_STARTED',
        "$name: this side runs nothing but the functions that it handed over");
    return;
}

# Where PVE's task log takes the progress of dd from.
sub _log ($line) {
    STDERR->print("$line\n");
    return;
}

sub _what ($plugin, $name, $params) {
    my $what = "$name of $plugin";
    $what .= ", storage '$params->{storeid}'" if defined($params->{storeid});
    $what .= ", volume '$params->{volname}'" if defined($params->{volname});
    return $what;
}

# The same before there are parameters by name.
sub _what_of ($api, $plugin, $method, $args) {
    my @names = $api->positions($method, $api->newest)->@*;
    my %params =
        map { ($names[$_] =~ s/\A%//r) => $args->[$_] } grep { !ref($args->[$_]) } 0 .. $#names;
    return _what($plugin, $method->{name}, \%params);
}

# A fork has its parent's connection and needs its own; a daemon that was restarted needs a new one.
sub _session ($self, $what) {
    my $session = $self->{session};
    return $session if $session && !$session->is_stale;
    my $path = $self->{socket};
    my $connected = eval {
        $self->{session} = Tenon::Session->connect(
            $path,
            {
                Tenon::Names::abilities(),
                role => 'client',
                level => $self->{api}->newest + 0,
                pid => $$ + 0
            },
            \&_nested,
            undef,
            patience => $self->_is_silent ? SILENT_HELLO_SECONDS : $self->{patience},
        );
        1;
    };
    if (!$connected) {
        my $err = $@;
        die $err if !ref($err) || !eval { $err->isa('Tenon::Error') };
        $self->_note_silence($err);
        Tenon::Error->throw($err->name, 'NOT_STARTED',
            "$what: " . $err->message . '; it was not started');
    }
    delete $SILENT{$path};
    return $self->{session};
}

# Whoever asks a daemon that hangs waits as long as a hello may take, once: PVE asks for one storage after the other. For
# a while it is then asked more shortly, so that one that answers again is found at once.
sub _is_silent ($self) {
    my $until = $SILENT{ $self->{socket} };
    return defined($until) && clock_gettime(CLOCK_MONOTONIC) < $until;
}

sub _note_silence ($self, $err) {
    $SILENT{ $self->{socket} } = clock_gettime(CLOCK_MONOTONIC) + SILENT_SECONDS
        if ref($err)
        && eval { $err->isa('Tenon::Error') }
        && $err->name eq 'DEADLINE_EXCEEDED'
        && $err->origin eq 'client';
    return;
}

sub disconnect ($self) {
    my $session = delete $self->{session} or return;
    $session->goodbye;
    return;
}

sub peer ($self) {
    return $self->_session('what the daemon serves')->peer;
}

1;

__END__

=head1 NAME

Tenon::Client - calls storages that the daemon serves

=head1 SYNOPSIS

    my $client = Tenon::Client->new(socket => '/run/tenon/control.sock');
    my @status = $client->call('dir', 'status', 'local', { path => '/srv/images' }, {});

=head1 DESCRIPTION

Connects at the first call and again whenever it must: after a fork, in parent and child independently, and after the
daemon was restarted. A daemon that says nothing is waited for once; for a minute it is then given a quarter of a second,
until it answers. A call whose answer was lost is never repeated, since it may have taken effect; the error says so.
Works under C<-T>; what it returns is untainted.

=head1 METHODS

=head2 new

    my $client = Tenon::Client->new(socket => $path, api => $api, patience => $seconds);

The default path is C<$ENV{TENON_SOCKET}>, then F</run/tenon/control.sock>; the default API that of storage plugins, from
L<Tenon::Api>. A daemon may take C<patience> for its hello, by default 10 s. Does not connect yet.

=head2 call

    my $result = $client->call($plugin, $method, @args);
    my @result = $client->call($plugin, $method, @args);

Calls a method of the API with its positional arguments (of the newest level, without the class). Sizes are bytes,
except for C<alloc_image>, which takes KiB. A file handle crosses as a descriptor, and how far its transfer has come is
printed to standard error, a line every few seconds. Dies with a L<Tenon::Error>.

=head2 claim

    $client->claim($plugin, $token);

Does the work that a C<free_image> left, which can be done once. C<call> returns a code ref that does this, for PVE to run
in a worker.

=head2 disconnect

Says goodbye; the next call connects again.

=head2 peer

What the daemon said in its hello, as a hash reference; its C<plugins> are those it serves.

=cut
