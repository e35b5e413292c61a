package Tenon::Session;

# One object with one state, from connecting to the reason why it was closed: reading, writing and waiting share that state,
# so the file is longer than others.

use v5.36;

use Data::MessagePack ();
use Errno qw(EACCES EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL F_SETFD FD_CLOEXEC O_NONBLOCK);
use IO::Poll qw(POLLIN POLLOUT);
use Socket qw(AF_UNIX MSG_NOSIGNAL PF_UNIX SOCK_NONBLOCK SOCK_STREAM pack_sockaddr_un);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use Tenon::Error;
use Tenon::Frame;
use Tenon::Later;
use Tenon::Pieces;
use Tenon::Records;

use constant PROTOCOL => 1;
use constant MAX_NESTING => 16;
use constant HELLO_SECONDS => 10;
use constant PONG_SECONDS => 10;
use constant LAST_WORDS_SECONDS => 1;
use constant RETRY_SECONDS => 0.02;

# As much as a socket takes at once, or more.
use constant AT_ONCE => 2**18;

# Of what comes while a long frame goes out, and of warnings.
use constant MOST_HELD => 256;
use constant MOST_WARNINGS => 1000;

use constant F_DUPFD_CLOEXEC => 1030;
use constant LOWEST_FD => 10;
use constant LONGEST_PATH => 107;

# An error of a host's function that must not be answered but must end the outer call unchanged: a signal handler of PVE dies
# in whatever code runs.
our $FATAL;

# ---- life

sub connect ($class, $path, $facts, $handler, $after = undef, %opt) {
    my $patience = $opt{patience} // HELLO_SECONDS;
    my $deadline = _now() + $patience;
    my ($untainted) = $path =~ m/\A(.*)\z/s;

    # Perl would cut it, and connect to whatever has the shorter name.
    Tenon::Error->throw('CONNECT_FAILED', 'NOT_STARTED',
        "the socket path '$path' is longer than " . LONGEST_PATH . ' bytes')
        if length($path) > LONGEST_PATH;
    my $address = pack_sockaddr_un($untainted);

    # A hung peer accepts no connection, and the kernel lets only so many wait.
    if (socket(my $socket, PF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        my $connected = CORE::connect($socket, $address);
        while (!$connected && ($! == EINTR || ($! == EAGAIN && _now() < $deadline))) {
            sleep(RETRY_SECONDS) if $! == EAGAIN;
            $connected = CORE::connect($socket, $address);
        }
        if ($connected) {
            my $self = bless {
                after => $after,
                answers => {},
                buffer => '',
                depth => 0,
                handler => $handler,
                held => [],
                later => {},
                lists => {},
                next_id => 1,
                path => $path,
                pid => $$,
                pieces => Tenon::Pieces->new,
                socket => _high($socket),
                warnings => [],
            }, $class;
            $self->_hello($facts, $deadline, $patience);
            return $self;
        }
    }
    Tenon::Error->throw('DEADLINE_EXCEEDED', 'NOT_STARTED',
        "no hello came from the socket '$path': no room in its line within $patience s")
        if $! == EAGAIN;
    Tenon::Error->throw('CONNECT_FAILED', 'NOT_STARTED',
        $! == EACCES
        ? "this user may not use the socket '$path': $!; call as root or as the user that runs the daemon"
        : "nobody answers at the socket '$path': $!");
    return;
}

# Plugins print to 1 and 2 and children inherit what is below 10; the socket must be neither.
sub _high ($socket) {
    my $fd = fcntl($socket, F_DUPFD_CLOEXEC, LOWEST_FD) or die "cannot move the socket: $!\n";
    open(my $high, '+<&=', $fd) or die "cannot reopen the socket: $!\n";
    close($socket);
    my $flags = fcntl($high, F_GETFL, 0);
    fcntl($high, F_SETFL, $flags | O_NONBLOCK) or die "cannot make the socket non-blocking: $!\n";
    fcntl($high, F_SETFD, FD_CLOEXEC) or die "cannot mark the socket close-on-exec: $!\n";
    return $high;
}

sub _hello ($self, $facts, $deadline, $patience) {
    my $good = eval {
        my $hello = Tenon::Frame::encode([
                Tenon::Frame::HELLO,
                {
                    pieces => Data::MessagePack::true(),
                    protocols => [PROTOCOL + 0],
                    $facts->%*
                }]);
        my $unsent = eval { $self->_send($hello, $deadline); 1 } ? undef : $@;

        # A peer that closed at once may have told why.
        die $unsent if $unsent && !_is_lost($unsent);
        my $frame = $self->_receive($deadline);
        if ($frame->[0] == Tenon::Frame::CLOSE) {
            die _refusal($frame);
        } elsif ($unsent) {
            die $unsent;
        } elsif ($frame->[0] != Tenon::Frame::HELLO) {
            Tenon::Error->throw('UNEXPECTED_FRAME', 'NOT_STARTED',
                "the peer began with a frame of kind $frame->[0] instead of a hello");
        }
        $self->{peer} = $frame->[1];
        $self->{takes_pieces} = $self->{peer}->{pieces} ? 1 : 0;
        my $spoken = $self->{peer}->{protocols};
        my @versions = ref($spoken) eq 'ARRAY' ? map { $_ // '?' } $spoken->@* : ();
        if (!grep { $_ eq PROTOCOL } @versions) {
            Tenon::Error->throw('UNSUPPORTED_VERSION', 'NOT_STARTED',
                      "the peer speaks protocol [@versions] and this side ["
                    . PROTOCOL
                    . ']; install the same release of Tenon on both sides');
        }
        1;
    };
    if (!$good) {
        my $err = $@;
        $self->drop;
        die $err if !_is_error($err) || $err->outcome eq 'NOT_STARTED';
        Tenon::Error->throw($err->name, 'NOT_STARTED',
            "no hello came from the socket '$self->{path}': "
                . ($err->name eq 'DEADLINE_EXCEEDED' ? "none within $patience s" : $err->message));
    }
    return;
}

sub _refusal ($close) {
    my (undef, $reason, $message) = $close->@*;
    return Tenon::Error->new($reason, 'NOT_STARTED', $message)
        if eval { Tenon::Error::code_of($reason) };
    return Tenon::Error->new('CONNECTION_LOST', 'NOT_STARTED', _closed($reason, $message));
}

sub _closed ($reason, $message) {
    return "the peer closed the connection: $reason" . (length($message) ? ", $message" : '');
}

sub _is_error ($err) {
    return ref($err) && eval { $err->isa('Tenon::Error') };
}

sub _is_lost ($err) {
    return _is_error($err) && $err->name eq 'CONNECTION_LOST';
}

sub drop ($self) {
    close(delete $self->{socket}) if $self->{socket};
    return;
}

sub goodbye ($self) {
    return if !$self->usable;
    my $said = eval {
        $self->_send(Tenon::Frame::encode([Tenon::Frame::CLOSE, 'DONE', '']), _now() + 1);
        1;
    };
    my $err = $@;
    $self->drop;
    die $err if !$said && !_is_error($err);
    return;
}

sub peer ($self) {
    return $self->{peer};
}

# A forked child has the parent's socket and must not use it, not even to say goodbye.
sub usable ($self) {
    return $self->{socket} && $self->{pid} == $$;
}

sub inherit ($self) {
    $self->{pid} = $$;
    return;
}

# Whether the far side has closed the connection unnoticed, or wants to.
sub is_stale ($self) {
    return 1 if !$self->usable;
    return 0 if $self->{depth};
    my $is_there = eval {
        while ($self->_has_frame || $self->_poll(POLLIN, 0)) {
            my $frame = $self->_receive(_now() + 1);
            $self->_serve_one($frame);
        }
        1;
    };
    if ($is_there) {
        return 0 if !$self->{is_left} || $self->{stays};
        $self->goodbye;
        return 1;
    }
    my $err = $@;
    $self->drop;
    die $err if !_is_error($err); # a timeout of PVE's, which it waits for
    return 1;
}

sub stay ($self) {
    $self->{stays} = 1;
    return;
}

# Whether the call that failed last was certainly not read by the far side, which goes away.
sub was_unread ($self) {
    return $self->{was_unread};
}

# What the far side sent before it went can still be read, even if sending has failed.
sub _is_unread ($self, $id, $sent) {
    eval {
        my $deadline = _now() + LAST_WORDS_SECONDS;
        $self->_serve_one($self->_receive($deadline)) while !defined($self->{last_read});
        1;
    } or _is_error($@) or die $@;
    return $self->{is_left}
        && (!$sent || (defined($self->{last_read}) && $id > $self->{last_read}));
}

# Whether the far side is there and answers; if not, the connection is given up.
sub is_answered ($self) {
    my $deadline = _now() + PONG_SECONDS;
    my $number = $self->{next_id}++;
    return 1 if eval {
        $self->_send(Tenon::Frame::encode([Tenon::Frame::PING, $number]), $deadline);
        while (1) {
            my $frame = $self->_receive($deadline);
            last if $frame->[0] == Tenon::Frame::PONG && $frame->[1] == $number;
            $self->_serve_one($frame);
        }
        1;
    };
    $self->drop;
    return 0;
}

# ---- calls

sub call ($self, $method, $params, %opt) {
    my $what = $opt{what} // $method;
    my $deadline = defined($opt{seconds}) ? _now() + $opt{seconds} + ($opt{grace} // 0) : undef;
    my $context = {};
    $context->{plugin} = $opt{plugin} if defined($opt{plugin});
    $context->{object} = $opt{object} if defined($opt{object});
    $context->{deadline_ms} = sprintf('%.0f', $opt{seconds} * 1000) + 0 if defined($opt{seconds});
    my $id = $self->{next_id}++;
    my $bytes = eval {
        Tenon::Frame::encode([Tenon::Frame::REQUEST, $id, $method, $params, $context],
            0, $opt{has_bytes});
    };
    if (!defined($bytes)) {
        my $err = $@;
        die $err if !_is_error($err);
        Tenon::Error->throw($err->name, 'NOT_STARTED',
            "$what: " . $err->message . '; it was not started');
    }

    # Anything that ends this block early, for instance a timeout of PVE, may leave half a frame behind, so the connection is
    # dropped.
    my ($answer, $sent);
    my $good = eval {
        local $self->{depth} = $self->{depth} + 1;
        local $self->{lists} = { $self->{lists}->%*, $id => $opt{list} } if $opt{list};
        $self->_send($bytes, $deadline);
        $sent = 1;
        $answer = $self->_await($id, $deadline);
        1;
    };
    if (!$good) {
        my $err = $@;
        $self->{was_unread} =
            _is_lost($err) && !$self->{depth} && $self->{socket} && $self->_is_unread($id, $sent);
        $self->drop;
        die $err if !_is_error($err);
        my $is_begun = $sent && !$self->{was_unread};
        my $outcome = $is_begun ? 'UNKNOWN' : 'NOT_STARTED';
        my $advice = $is_begun ? '; whether it took effect is not known' : '; it was not started';
        Tenon::Error->throw($err->name, $outcome, "$what: " . $err->message . $advice);
    }

    warn "$_\n" for splice($self->{warnings}->@*);
    my ($kind, undef, $body, $is_read) = $answer->@*;
    die _error($body) if $kind != Tenon::Frame::RESPONSE;
    return $is_read ? ($body, 1) : $body;
}

sub _error ($map) {
    my %more = (
        changed => $map->{changed},
        code => $map->{code},
        exception => $map->{exception},
        origin => $map->{origin},
    );
    if (defined($map->{die})) {
        $more{die} = $map->{die};
        utf8::decode($more{die}) if $map->{die_characters};
    }
    my ($outcome) = grep { $_ eq ($map->{outcome} // '') } qw(NOT_STARTED FAILED_CLEAN UNKNOWN);
    return Tenon::Error->new(
        Tenon::Error::name_of($map->{code}), $outcome // 'UNKNOWN',
        $map->{message} // 'the call failed', %more,
    );
}

# An outer call may be answered, with a deadline for instance, while an inner one still waits.
sub _await ($self, $id, $deadline) {
    local $self->{answers}->{$id} = undef;
    while (1) {
        return $self->{answers}->{$id} if $self->{answers}->{$id};
        my $frame = $self->_receive($deadline);
        my ($kind, $answered) = $frame->@*;
        if ($kind != Tenon::Frame::RESPONSE && $kind != Tenon::Frame::FAILURE) {
            $self->_serve_one($frame);
        } elsif ($answered == $id) {
            return $frame;
        } elsif (exists($self->{answers}->{$answered})) {
            $self->{answers}->{$answered} = $frame;
        } else {
            Tenon::Error->throw('UNEXPECTED_FRAME', 'UNKNOWN',
                "the peer answered call $answered, which nobody made");
        }
    }
    return;
}

sub notify ($self, $name, $params) {
    $self->_send(Tenon::Frame::encode([Tenon::Frame::NOTIFY, $name, $params]), undef);
    return;
}

# ---- serving

sub serve ($self) {
    while ($self->{socket}) {
        $self->_await_later while $self->{later}->%* && !$self->_has_frame;
        my $frame = $self->_receive(undef);
        return
            if $frame->[0] == Tenon::Frame::CLOSE && $frame->[1] =~ m/\A(?:DONE|SHUTTING_DOWN)\z/;
        $self->_serve_one($frame);
    }
    return;
}

# Waits for the far side, or for work whose answer is still due; reads what came.
sub _await_later ($self) {
    my %later = $self->{later}->%*;
    my @masks = map { ($_, POLLIN) } $self->_fd, map { $_->fd } values %later;
    my $ready = IO::Poll::_poll(-1, @masks);
    die "poll failed: $!\n" if $ready < 0 && $! != EINTR;
    return if $ready <= 0;
    my %events = @masks;
    for my $id (grep { $events{ $later{$_}->fd } } keys %later) {
        next if !$later{$id}->has_ended;
        delete $self->{later}->{$id};
        my $err = $later{$id}->error;
        $self->_send(
            $err
            ? Tenon::Frame::encode_failure(0 + $id, $err)
            : Tenon::Frame::encode([Tenon::Frame::RESPONSE, $id, undef]),
            undef,
        );
    }
    $self->_read_some if $events{ $self->_fd };
    return;
}

sub _serve_one ($self, $frame) {
    my ($kind, @rest) = $frame->@*;
    if ($kind == Tenon::Frame::PING) {
        $self->_send(Tenon::Frame::encode([Tenon::Frame::PONG, $rest[0]]), undef);
    } elsif ($kind == Tenon::Frame::REQUEST) {
        my $bytes = $self->_answer(@rest);
        my $sent = eval { $self->_send($bytes, undef) if defined($bytes); 1 };
        my $err = $@;
        $self->{after}->() if $self->{after};
        die $err if !$sent;
    } elsif ($kind == Tenon::Frame::CLOSE) {
        Tenon::Error->throw('CONNECTION_LOST', 'UNKNOWN', _closed(@rest));
    } elsif ($kind == Tenon::Frame::HELLO) {
        Tenon::Error->throw('UNEXPECTED_FRAME', 'UNKNOWN', 'the peer said hello twice');
    } elsif ($kind == Tenon::Frame::RESPONSE || $kind == Tenon::Frame::FAILURE) {
        Tenon::Error->throw('UNEXPECTED_FRAME', 'UNKNOWN',
            "the peer answered call $rest[0], which nobody made");
    }

    # A warning handler must not run in the middle of a frame, so warnings wait for the end of the call.
    $self->_warn_later($rest[1]->{text})
        if $kind == Tenon::Frame::NOTIFY && $rest[0] eq 'warning' && defined($rest[1]->{text});
    _print($rest[1]->@{qw(stream text)}) if $kind == Tenon::Frame::NOTIFY && $rest[0] eq 'printed';
    if ($kind == Tenon::Frame::NOTIFY && $rest[0] eq 'going_away') {
        $self->{is_left} = 1;
        $self->{last_read} = $rest[1]->{last_id};
    }

    # A cancel cannot stop Perl code that is running, and it arrives only when none is; pongs and unknown notices are
    # dropped.
    return;
}

sub _warn_later ($self, $text) {
    my $count = scalar($self->{warnings}->@*);
    push $self->{warnings}->@*, $count < MOST_WARNINGS ? $text : 'there were more warnings'
        if $count <= MOST_WARNINGS;
    return;
}

# What a plugin prints comes out where it would if the plugin ran in this process, at once, since it may tell of progress.
sub _print ($stream, $text) {
    return if !defined($text);
    my $out = ($stream // '') eq 'stdout' ? \*STDOUT : \*STDERR;
    return if !defined(fileno($out)) && !tied(*$out);
    my $line = "$text\n";
    if (grep { $_ eq 'utf8' } PerlIO::get_layers($out, output => 1)) {
        utf8::decode($line);
    } else {
        utf8::encode($line) if utf8::is_utf8($line);
    }
    local ($,, $\);
    print {$out} $line;
    return;
}

sub _answer ($self, $id, $method, $params, $context) {
    my ($result, $err);
    if ($self->{depth} >= MAX_NESTING) {
        $err = Tenon::Error->new('TOO_MANY_CALLS', 'NOT_STARTED',
            "$method: calls are nested deeper than " . MAX_NESTING);
    } elsif (!$self->{handler}) {
        $err = Tenon::Error->new('UNKNOWN_METHOD', 'NOT_STARTED',
            "$method: this side answers no calls");
    } else {
        local $self->{depth} = $self->{depth} + 1;
        eval { $result = $self->{handler}->($method, $params, $context); 1 }
            or $err = $@ || 'it died without a text';
    }
    if (defined(my $fatal = $FATAL)) {
        $FATAL = undef;
        die $fatal;
    }
    if (ref($result) eq 'Tenon::Later') {
        $self->{later}->{$id} = $result;
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }
    if (!$err) {
        my $has_bytes = ref($result) eq 'Tenon::Bytes';
        my $bytes =
            eval { Tenon::Frame::encode([Tenon::Frame::RESPONSE, $id, $result], 0, $has_bytes) };
        return $bytes if defined($bytes);
        $err = $@;
    }
    $err = Tenon::Error->new('INTERNAL', 'UNKNOWN', "$method: " . ("$err" =~ s/\s+\z//r))
        if !_is_error($err);
    return Tenon::Frame::encode_failure($id, $err);
}

# ---- bytes

sub _now () {
    return clock_gettime(CLOCK_MONOTONIC);
}

sub _poll ($self, $events, $deadline) {
    my $fd = $self->_fd;
    while (1) {
        my $left = defined($deadline) ? $deadline - _now() : undef;
        my $millis = !defined($left) ? -1 : $left <= 0 ? 0 : int($left * 1000) + 1;
        my $ready =
            IO::Poll::_poll($millis, $fd, my $mask = $events); # it writes into its arguments
        return 1 if $ready > 0;
        return 0 if $ready == 0 && defined($left) && $left <= 0;
        die "poll failed: $!\n" if $ready < 0 && $! != EINTR;
    }
    return;
}

# A nested call that failed has dropped the connection of those around it.
sub _fd ($self) {
    Tenon::Error->throw('CONNECTION_LOST', 'UNKNOWN', 'the connection has been given up')
        if !$self->{socket};
    return fileno($self->{socket});
}

# A long frame goes in pieces if the peer takes it so; pings are answered between them.
sub _send ($self, $bytes, $deadline) {
    return $self->_write($bytes, $deadline)
        if !$self->{takes_pieces} || !Tenon::Pieces::needs(\$bytes);
    for (my $at = 4; $at < length($bytes); $at += Tenon::Pieces::LONGEST) {
        $self->_answer_pings($deadline) if $at > 4;
        $self->_write(Tenon::Pieces::of(\$bytes, $at), $deadline);
    }
    return;
}

# Everything else that comes meanwhile is held for later.
sub _answer_pings ($self, $deadline) {
    return if $self->{held}->@* >= MOST_HELD;
    $self->_read_some if $self->_poll(POLLIN, 0);
    while (my $frame = $self->_take) {
        if ($frame->[0] == Tenon::Frame::PING) {
            $self->_write(Tenon::Frame::encode([Tenon::Frame::PONG, $frame->[1]]), $deadline);
        } else {
            push $self->{held}->@*, $frame;
        }
    }
    return;
}

sub _write ($self, $bytes, $deadline) {
    my $offset = 0;
    $self->_fd;
    while ($offset < length($bytes)) {
        my $part = $offset || length($bytes) > AT_ONCE ? substr($bytes, $offset, AT_ONCE) : $bytes;
        my $written = send($self->{socket}, $part, MSG_NOSIGNAL);
        if (defined($written)) {
            $offset += $written;
        } elsif ($! == EAGAIN) {
            $self->_poll(POLLOUT, $deadline) or _late();
        } elsif ($! != EINTR) {
            Tenon::Error->throw('CONNECTION_LOST', 'UNKNOWN',
                "the connection was lost while sending: $!");
        }
    }
    return;
}

# The length of the frame that the buffer begins with, 0 if it is not whole.
sub _holds_frame ($self) {
    return 0 if length($self->{buffer}) < 4;
    my $length = unpack('N', $self->{buffer});
    Tenon::Frame::check_length($length);
    return length($self->{buffer}) >= 4 + $length ? $length : 0;
}

# The next frame of what was read, its pieces put together; undef if it is not whole.
sub _take ($self) {
    while (my $length = $self->_holds_frame) {
        my $payload = substr($self->{buffer}, 4, $length);
        substr($self->{buffer}, 0, 4 + $length, '');
        my $whole =
            Tenon::Pieces::is_one(\$payload) ? $self->{pieces}->add(\$payload) : \$payload;
        next if !$whole;

        # Everything in a frame is checked against the method table, so the bytes may be trusted under -T.
        my ($trusted) = $whole->$* =~ m/\A(.*)\z/s;
        return ($self->{lists}->%* ? Tenon::Records::from_wire($self->{lists}, \$trusted) : undef)
            // Tenon::Frame::decode($trusted);
    }
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub _has_frame ($self) {
    return 1 if $self->{held}->@*;
    my $frame = $self->_take // return 0;
    push $self->{held}->@*, $frame;
    return 1;
}

sub _receive ($self, $deadline) {
    while (1) {
        my $frame = shift($self->{held}->@*) // $self->_take;
        return $frame if $frame;
        $self->_poll(POLLIN, $deadline) or _late();
        $self->_read_some;
    }
    return;
}

sub _read_some ($self) {
    my $read = sysread($self->{socket}, $self->{buffer}, 262144, length($self->{buffer}));
    if (!defined($read)) {
        return if $! == EAGAIN || $! == EINTR;
        Tenon::Error->throw('CONNECTION_LOST', 'UNKNOWN', "the connection was lost: $!");
    } elsif ($read == 0) {
        Tenon::Error->throw('CONNECTION_LOST', 'UNKNOWN',
            length($self->{buffer})
                || $self->{pieces}->has_begun
            ? 'the connection was lost inside a frame'
            : 'the connection was lost before the answer came');
    }
    return;
}

sub _late () {
    Tenon::Error->throw('DEADLINE_EXCEEDED', 'UNKNOWN', 'no answer came in time');
    return;
}

1;

__END__

=head1 NAME

Tenon::Session - one connection, on which either side calls

=head1 SYNOPSIS

    my $session = Tenon::Session->connect($path, { role => 'client' }, undef);
    my $result = $session->call('status', \%params, plugin => 'dir', seconds => 10);

=head1 DESCRIPTION

Perl has one thread: while it waits for an answer it serves the calls that come in, up to 16 deep. Waiting is poll with a
monotonic deadline, so C<alarm> stays the host's. If a signal handler dies out of a call, the connection is dropped,
because half a frame may be left in it.

=head1 METHODS

=head2 connect

    my $session = Tenon::Session->connect($path, \%facts, $handler, $after, patience => $seconds);

Connects and says hello with these facts. C<$handler> gets C<($method, \%params, \%context)> of every incoming call and
returns the result as wire values; undef if this side answers none. C<$after> is run each time that the answer of a call
has been sent, or could not be. The far side may take C<patience> for its hello, by default 10 s. Throws C<CONNECT_FAILED>, C<DEADLINE_EXCEEDED>, C<UNSUPPORTED_VERSION>,
C<PEER_REFUSED>.

=head2 call

    my $result = $session->call($method, \%params, plugin => $type, seconds => $n, grace => $n, what => $text,
        list => $list);

Returns the result as wire values. The peer is told to answer within C<seconds>; this side waits C<grace> seconds longer,
so that the peer's word about a late call arrives. C<what> names the call in errors. A long answer of a C<list>, from
L<Tenon::Schema/list_of>, comes as what a caller gets, and true as a second value then. Throws a L<Tenon::Error>; its outcome is
C<NOT_STARTED> only if the request did not leave this process. What the far side warns of meanwhile is a warning here.

=head2 drop, goodbye

Ends the connection, without or with a message.

=head2 inherit

    $session->inherit;

In a child whose parent has opened the connection and will not use it any more: it is the child's from now on.

=head2 is_stale

Whether the far side has gone or asks for calls over another connection, or this process is a fork of the one that
connected.

=head2 stay

    $session->stay;

The far side's objects are needed, so C<is_stale> ignores its wish that calls come over another connection. It ends the
connection itself if it must.

=head2 was_unread

Whether the call that failed last was certainly not read by the far side, since that was going away: it may be made again
over another connection.

=head2 is_answered

Whether the far side answers a ping within 10 s. If it does not, the connection is dropped.

=head2 notify

    $session->notify($name, \%params);

Tells the far side something that has no answer.

=head2 peer

What the far side said in its hello.

=head2 serve

    $session->serve;

Answers calls until the far side closes.

=head2 usable

Whether this process may use the connection.

=cut
