package Tenon::Client;

use v5.36;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Tenon::Api;
use Tenon::Backup::Provider;
use Tenon::Callback;
use Tenon::Descriptors;
use Tenon::Error;
use Tenon::Names;
use Tenon::Schema;
use Tenon::Session;

use constant DEFAULT_SOCKET => '/run/tenon/control.sock';

# The side nearer to the storage knows more about a late call: the storage keeps the method's own deadline, the daemon a
# longer one, and this side the longest, so that their errors arrive.
use constant GRACE_SECONDS => 2;

use constant SILENT_SECONDS => 60;
use constant SILENT_HELLO_SECONDS => 0.25;

# Until when a socket's daemon is believed to hang. A fork knows it too.
my %SILENT;

# How often a call that was not read is sent to the daemon that follows: one daemon takes over from another once a day.
use constant MOST_MOVES => 8;

# Before its own time begins, a call may wait for a process of an adopted plugin; a long call waits as long as other long
# calls may take.
use constant { WAIT_SECONDS => 10, LONG_SECONDS => 600 };

sub new ($class, %opt) {
    return bless {
        api => $opt{api} // Tenon::Api->load,
        patience => $opt{patience},
        socket => $opt{socket} // $ENV{TENON_SOCKET} // DEFAULT_SOCKET,
        stays => $opt{stays},
    }, $class;
}

sub call ($self, $plugin, $name, @args) {
    return $self->_call($plugin, $name, \@args);
}

sub call_object ($self, $plugin, $object, $name, $args, %more) {
    return $self->_call($plugin, $name, $args, object => $object, %more);
}

sub open_session ($self) {
    local $self->{session};
    return $self->_session('a connection of its own');
}

sub _call ($self, $plugin, $name, $given, %opt) {
    my @args = $given->@*;
    my $api = $self->{api};
    my $method = $api->method($name);
    my ($wire, $err);
    for my $move (0 .. MOST_MOVES) {
        $wire = eval { [$self->_send_call($plugin, $method, \@args, %opt)] } and last;
        $err = $@;
        last if $opt{session} || !$self->_was_unread;
    }
    if (!$wire) {
        $self->_note_silence($err);
        Tenon::Schema::apply_changed($api, $method, $api->newest, \@args, $err->changed)
            if ref($err) && eval { $err->isa('Tenon::Error') };
        die $err;
    }
    return $self->_provider($plugin, $name, \@args, $wire->[0], %opt)
        if ($method->{result}->{kind} // '') eq 'provider';
    if ($method->{result}->{kind} && $method->{result}->{kind} eq 'cleanup') {
        my $token = $wire->[0] // return undef; ## no critic (ProhibitExplicitReturnUndef)
        return sub { return $self->claim($plugin, $token) };
    }
    return Tenon::Schema::answer_from_wire($api, $method, \@args, $wire->[0], wantarray,
        $wire->[1]);
}

# The daemon that goes away has said that it did not read the call, so the next one may get it.
sub _was_unread ($self) {
    my $session = $self->{session};
    return $session && !$session->usable && $session->was_unread;
}

sub _send_call ($self, $plugin, $method, $args, %opt) {
    my ($api, $name) = ($self->{api}, $method->{name});
    my @args = $args->@*;
    local %Tenon::Callback::CODE = %Tenon::Callback::CODE;

    # An open file crosses before the call that names it.
    local $Tenon::Descriptors::PATH =
          $method->{has_files}
        ? $self->_session(_what_of($api, $plugin, $method, \@args))->peer->{descriptors}
        : undef;
    my $params = Tenon::Schema::params_to_wire($api, $method, $api->newest, \@args);
    $params->{log} = Tenon::Callback::id_of(\&_log) if $method->{has_stream};
    $params->{log} = Tenon::Callback::id_of($opt{log}) if $opt{log} && $method->{param}->{log};
    $params->{$_} = $opt{more}->{$_} for keys(($opt{more} // {})->%*);
    my $what = $opt{what} // _what($plugin, $name, $params);
    return ($opt{session} // $self->_session($what))->call(
        $name, $params,
        has_bytes => $method->{has_bytes},
        object => $opt{object},
        plugin => $plugin,
        seconds => $method->{deadline} + _wait($method) + GRACE_SECONDS,
        grace => GRACE_SECONDS,
        what => $what,
        list => scalar(Tenon::Schema::list_of($method)),
    );
}

# The host may keep using its own hash.
sub _provider ($self, $plugin, $name, $args, $token, %opt) {
    return $token if $opt{is_token};
    my ($scfg, $storeid, $log) = $args->@*;
    my $section = { $scfg->%* };
    return Tenon::Backup::Provider->new(
        again => sub {
            return $self->_call($plugin, $name, [$section, $storeid, $log], is_token => 1);
        },
        log => $log,
        plugin => $plugin,
        socket => $self->{socket},
        storeid => $storeid,
        token => $token,
    );
}

sub _wait ($method) {
    my $deadline = $method->{deadline};
    return $deadline >= LONG_SECONDS || $deadline < WAIT_SECONDS ? $deadline : WAIT_SECONDS;
}

# This mostly runs in a worker whose parent has gone; so it has a connection of its own, and all the time it needs.
sub claim ($self, $plugin, $token) {
    my $what = "the work that free_image of $plugin left";
    for my $move (0 .. MOST_MOVES) {
        return
            if eval {
            $self->_session($what)
                ->call('claim', { token => $token }, plugin => $plugin, what => $what);
            1;
            };
        my $err = $@;
        die $err if $move == MOST_MOVES || !$self->_was_unread;
    }
    return;
}

sub _nested ($name, $params, $context) {
    return Tenon::Callback::run($params) if $name eq 'callback';
    Tenon::Error->throw('UNKNOWN_METHOD', 'NOT_STARTED',
        "$name: this side runs nothing but the functions that it handed over");
    return;
}

# PVE's task log takes the progress of dd from here.
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

# The same, before parameters have names.
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
    $self->{session}->stay if $self->{stays};
    return $self->{session};
}

# A caller waits for a hung daemon as long as a hello may take, but only once, since PVE asks for one storage after the
# other. For a while later calls wait more briefly, so a daemon that answers again is found at once.
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

Connects at the first call and again whenever it must: after a fork, in parent and child independently, after the daemon was
restarted, and when another daemon has taken over. A silent daemon is waited for once; for a minute after that each call
gives it a quarter of a second, until it answers. A call whose answer was lost is never repeated, since it may have taken
effect; the error says so. If a daemon that goes away says that it did not read a call, the call is sent to the next daemon.
Works under C<-T>; what it returns is untainted.

=head1 METHODS

=head2 new

    my $client = Tenon::Client->new(socket => $path, api => $api, patience => $seconds, stays => 1);

The default path is C<$ENV{TENON_SOCKET}>, then F</run/tenon/control.sock>; the default API that of storage plugins, from
L<Tenon::Api>. A daemon may take C<patience> for its hello, by default 10 s. A client that C<stays> goes on with a daemon that
is being taken over from, as long as that answers: its objects are there. Does not connect yet.

=head2 call

    my $result = $client->call($plugin, $method, @args);
    my @result = $client->call($plugin, $method, @args);

Calls a method of the API with its positional arguments (of the newest level, without the class). Sizes are bytes, except for
C<alloc_image>, which takes KiB. A file handle crosses as a descriptor, and the progress of its transfer is printed to
standard error, a line every few seconds. Dies with a L<Tenon::Error>.

=head2 call_object

    my $result = $client->call_object($plugin, $token, $method, \@args, log => $code, session => $session, more => \%params);

The same of an object that a call has made. Lines of its log go to the code ref. If a session of C<open_session> is given,
the call is made over it. C<more> holds parameters that only the two sides of Tenon know.

=head2 open_session

    my $session = $client->open_session;

A connection of its own, a L<Tenon::Session>, that a child may inherit.

=head2 claim

    $client->claim($plugin, $token);

Does the work that a C<free_image> left, which can be done once. C<call> returns a code ref that does this, for PVE to run
in a worker.

=head2 disconnect

Says goodbye; the next call connects again.

=head2 peer

What the daemon said in its hello, as a hash reference; its C<plugins> are those it serves.

=cut
