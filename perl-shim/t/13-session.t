# The file is long because the tests share the peer that says to a session what no daemon says.
use v5.36;

use Data::MessagePack ();
use Fcntl qw(F_GETFD F_GETFL FD_CLOEXEC O_NONBLOCK);
use File::Temp qw(tempdir);
use FindBin;
use IO::Poll ();
use POSIX ();
use Socket qw(PF_UNIX SOCK_STREAM pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(clock_gettime setitimer CLOCK_MONOTONIC ITIMER_REAL);

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Error;
use Tenon::Frame;
use Tenon::Session;
use Tenon::Test::Data qw(error_of packed);
use Tenon::Test::Objects;
use Tenon::Test::Peer;

sub connect_to ($peer, $handler = undef, %facts) {
    return Tenon::Session->connect($peer->path, { role => 'client', %facts }, $handler);
}

sub framed ($hex) {
    return Tenon::Test::Peer::framed(pack('H*', $hex =~ s/ //gr));
}

# Every error of this side is one sentence of one line.
sub is_error ($err, $name, $outcome, $pattern, $what) {
    my $got = ref($err) && $err->isa('Tenon::Error') ? $err->name . ' ' . $err->outcome : $err;
    is($got, "$name $outcome", $what) or return;
    like($err->message, $pattern, "$what: the sentence");
    like($err->text, qr/\A[ -~]+\n\z/, "$what: one line");
    return;
}

sub peer_is_content ($peer) {
    is_deeply([$peer->finish], [], 'the peer saw what it expected, and no connection was missing');
    return;
}

# ---- hello

subtest 'both sides say hello' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            my $raw;
            my $frame = $conn->read_frame(\$raw);
            $conn->note(unpack('H*', $raw));
            $conn->write_frame(
                1,
                {
                    protocols => [7, 1],
                    role => 'daemon',
                    plugins => ['dir'],
                    later => { a => [1] } });
            $conn->until_end;
        });
    my $session = connect_to($peer, undef, level => 15, pid => 4121);
    my $facts = {
        level => 15,
        pid => 4121,
        pieces => Data::MessagePack::true(),
        protocols => [1],
        role => 'client'
    };
    is(
        packed(Tenon::Frame::decode(pack('H*', $peer->next_note))),
        packed([1, $facts]),
        'the hello of this side'
    );
    is_deeply($session->peer->{plugins}, ['dir'], 'what the peer said can be asked for');
    ok($session->usable, 'the session is usable');
    $session->drop;
    ok(!$session->usable, 'and not once it was dropped');
    peer_is_content($peer);
};

subtest 'a peer that does not say hello as it should' => sub {
    my $close = sub (@close) {
        return sub ($conn) { $conn->read_frame; $conn->write_frame(9, @close) };
    };
    my $facts = sub ($facts) {
        return sub ($conn) { $conn->read_frame; $conn->write_frame(1, $facts); $conn->until_end };
    };
    my $bytes = sub ($bytes) {
        return sub ($conn) { $conn->read_frame; $conn->write_bytes($bytes) };
    };
    my @table = ([
            'refuses the user',
            $close->('PEER_REFUSED', 'user 33 may not'),
            'PEER_REFUSED', qr/\Auser 33 may not\z/
        ],
        [
            'refuses the version',
            $close->('UNSUPPORTED_VERSION', 'only 2'),
            'UNSUPPORTED_VERSION',
            qr/\Aonly 2\z/
        ],
        [
            'is shutting down',
            $close->('SHUTTING_DOWN', 'in a moment'),
            'CONNECTION_LOST',
            qr/SHUTTING_DOWN, in a moment/
        ],
        ['is done', $close->('DONE', ''), 'CONNECTION_LOST', qr/closed the connection: DONE\z/],
        [
            'gives a reason of a newer release',
            $close->('NEW_REASON', 'x'),
            'CONNECTION_LOST',
            qr/NEW_REASON, x/
        ],
        [
            'speaks another version',
            $facts->({ protocols => [2, 3] }),
            'UNSUPPORTED_VERSION',
            qr/speaks protocol \[2 3\] and this side \[1\]; install the same release/
        ],
        ['tells no version', $facts->({}), 'UNSUPPORTED_VERSION', qr/speaks protocol \[\]/],
        [
            'tells one version, not a list',
            $facts->({ protocols => 1 }),
            'UNSUPPORTED_VERSION',
            qr/speaks protocol \[\]/
        ],
        [
            'tells nil in the list',
            $facts->({ protocols => [undef] }),
            'UNSUPPORTED_VERSION',
            qr/speaks protocol \[\?\]/
        ],
        [
            'begins with a ping', $bytes->(framed('92 07 2a')),
            'UNEXPECTED_FRAME', qr/began with a frame of kind 7/
        ],
        [
            'answers in another protocol', $bytes->("HTTP/1.1 400 Bad Request\r\n\r\n"),
            'FRAME_TOO_LONG', qr/1213486160 bytes/
        ],
        ['sends an empty frame', $bytes->("\0\0\0\0"), 'MALFORMED_FRAME', qr/length 0/],
        ['sends rubbish', $bytes->(framed('c1')), 'MALFORMED_FRAME', qr/begins no value/],
        [
            'ends the connection', $bytes->(''),
            'CONNECTION_LOST', qr/no hello came.*the connection was lost before/
        ],
        [
            'ends it inside the hello', $bytes->("\0\0\0\x20\x92"),
            'CONNECTION_LOST', qr/lost inside a frame/
        ],
    );
    for my $row (@table) {
        my ($what, $script, $name, $pattern) = $row->@*;
        my $peer = Tenon::Test::Peer->start($script);
        is_error(error_of(sub { connect_to($peer) }),
            $name, 'NOT_STARTED', $pattern, "one that $what");
        peer_is_content($peer);
    }
};

subtest 'a peer that closed before the hello was sent has told why' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->write_frame(9, 'PEER_REFUSED', 'nobody is welcome');
            close($conn->{socket});
            $conn->note('closed');
        },
        sub ($conn) {
            close($conn->{socket});
            $conn->note('closed');
        },
    );
    tie(my %facts, 'Tenon::Test::LateFacts', sub { $peer->next_note });
    is_error(
        error_of(sub { Tenon::Session->connect($peer->path, \%facts, undef) }),
        'PEER_REFUSED', 'NOT_STARTED',
        qr/\Anobody is welcome\z/,
        'a close is read'
    );
    is_error(
        error_of(sub { Tenon::Session->connect($peer->path, \%facts, undef) }),
        'CONNECTION_LOST', 'NOT_STARTED',
        qr/no hello came/,
        'without a close the connection was lost'
    );
    peer_is_content($peer);
};

subtest 'a socket where nobody answers' => sub {
    my $dir = tempdir(CLEANUP => 1);
    is_error(
        error_of(sub { Tenon::Session->connect("$dir/none", {}, undef) }),
        'CONNECT_FAILED', 'NOT_STARTED',
        qr/nobody answers at the socket '\Q$dir\E\/none': No such file/,
        'no file'
    );

    socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    bind($listener, pack_sockaddr_un("$dir/dead")) or die "bind: $!\n";
    is_error(
        error_of(sub { Tenon::Session->connect("$dir/dead", {}, undef) }),
        'CONNECT_FAILED', 'NOT_STARTED',
        qr/Connection refused/,
        'a file that a dead process left'
    );

    # The name cut to what fits would be a socket, too.
    my $long = "$dir/" . ('x' x (107 - length("$dir/")));
    bind($listener = do { socket(my $other, PF_UNIX, SOCK_STREAM, 0); $other },
        pack_sockaddr_un($long))
        or die "bind: $!\n";
    listen($listener, 1) or die "listen: $!\n";
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    is_error(
        error_of(sub { Tenon::Session->connect("${long}y", {}, undef) }),
        'CONNECT_FAILED', 'NOT_STARTED',
        qr/is longer than 107 bytes/,
        'a path that Perl would cut'
    );
    is_deeply(\@warnings, [], 'without a warning');
};

subtest 'a signal while the connection is made does not end the attempt' => sub {
    my $dir = tempdir(CLEANUP => 1);
    socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    bind($listener, pack_sockaddr_un("$dir/full")) or die "bind: $!\n";
    listen($listener, 0) or die "listen: $!\n";
    socket(my $first, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    connect($first, pack_sockaddr_un("$dir/full")) or die "connect: $!\n";

    # The queue is full, so connect waits. The third time that it is interrupted, the other process makes room.
    pipe(my $in, my $out) or die "pipe: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        close($out);
        alarm(20);
        sysread($in, my $byte, 1) or POSIX::_exit(1);
        for (1, 2) {
            accept(my $conn, $listener) or POSIX::_exit(2);
            next if $_ == 1;
            sysread($conn, my $hello, 4096);
            syswrite($conn, Tenon::Frame::encode([Tenon::Frame::HELLO, { protocols => [1] }]));
        }
        POSIX::_exit(0);
    }
    my $ticks = 0;
    local $SIG{ALRM} = sub {
        return if ++$ticks < 3;
        setitimer(ITIMER_REAL, 0);
        syswrite($out, 'x');
    };
    setitimer(ITIMER_REAL, 0.02, 0.02);
    my $err = error_of(sub { Tenon::Session->connect("$dir/full", {}, undef) });
    setitimer(ITIMER_REAL, 0);
    close($out);
    is($err, undef, 'the connection was made');
    is($ticks, 3, 'after the signals');
    waitpid($pid, 0);
    is($?, 0, 'the other process saw it');
};

# ---- calls

subtest 'calls and their answers' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            for (1 .. 4) {
                my $raw;
                my $frame = $conn->read_frame(\$raw);
                $conn->note(unpack('H*', $raw));
                $conn->write_frame(3, $frame->[1], { got => $frame->[3]->{n} });
            }
            $conn->until_end;
        });
    my $session = connect_to($peer);
    my @expected = (
        [{}, {}],
        [{ plugin => 'dir' }, { plugin => 'dir' }],
        [{ plugin => 'dir', seconds => 32 }, { plugin => 'dir', deadline_ms => 32000 }],
        [{ seconds => 0.25, grace => 30 }, { deadline_ms => 250 }],
    );
    my $n = 0;
    for my $row (@expected) {
        my ($opt, $context) = $row->@*;
        is_deeply(
            $session->call('status', { n => ++$n }, $opt->%*),
            { got => $n },
            "the answer to call $n"
        );
        my $raw = $peer->next_note;
        my $sent = [2, $n + 0, 'status', { n => $n + 0 }, $context];
        is(packed(Tenon::Frame::decode(pack('H*', $raw))), packed($sent), "call $n on the wire");
        is(length($raw), length(packed($sent)), "call $n to the byte");
    }
    undef $session;
    peer_is_content($peer);
};

subtest 'a call that fails' => sub {
    my @table = (

        # what, map, name, outcome, text, origin
        [
            'an error of the daemon',
            {
                code => 65541,
                name => 'NOT_FOUND',
                message => 'no such volume',
                outcome => 'NOT_STARTED',
                origin => 'daemon'
            },
            'NOT_FOUND',
            'NOT_STARTED',
            "no such volume\n",
            'daemon'
        ],
        [
            'the text of a plugin',
            {
                code => 131073,
                name => 'PLUGIN_DIED',
                message => 'caf?',
                outcome => 'UNKNOWN',
                origin => 'sidecar',
                die => \"caf\xe9\n"
            },
            'PLUGIN_DIED',
            'UNKNOWN',
            "caf\xe9\n",
            'sidecar'
        ],
        [
            'the characters of a plugin',
            {
                code => 131073,
                message => 'x',
                outcome => 'UNKNOWN',
                die => \"\xe2\x98\xba\n",
                die_characters => 1
            },
            'PLUGIN_DIED',
            'UNKNOWN',
            "\x{263a}\n",
            'client'
        ],
        [
            'the number decides, not the name',
            { code => 65541, name => 'OTHER', message => 'm', outcome => 'FAILED_CLEAN' },
            'NOT_FOUND', 'FAILED_CLEAN', "m\n", 'client'
        ],
        [
            'a number of a newer release',
            { code => 131999, name => 'NEWER', message => 'm', outcome => 'NOT_STARTED' },
            'INTERNAL', 'NOT_STARTED', "m\n", 'client'
        ],
        [
            'an outcome of a newer release',
            { code => 65541, message => 'm', outcome => 'NEARLY' },
            'NOT_FOUND', 'UNKNOWN', "m\n", 'client'
        ],
        ['no outcome', { code => 65541, message => 'm' }, 'NOT_FOUND', 'UNKNOWN', "m\n", 'client'],
        ['no message', { code => 65541 }, 'NOT_FOUND', 'UNKNOWN', "the call failed\n", 'client'],
        ['nothing at all', {}, 'INTERNAL', 'UNKNOWN', "the call failed\n", 'client'],
        [
            'a message of more than ASCII',
            { code => 65541, message => "caf\xc3\xa9" },
            'NOT_FOUND', 'UNKNOWN', "caf\xc3\xa9\n", 'client'
        ],
    );
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            my ($text, $octets) = (Data::MessagePack->new->utf8, Data::MessagePack->new);
            $conn->hello;
            for my $row (@table) {
                my %map = $row->[1]->%*;
                my $call = $conn->call;
                my $bytes = '';
                for my $key (sort keys %map) {
                    my $value = $map{$key};
                    $bytes .= $text->pack($key);
                    $bytes
                        .= ref($value) ? $octets->pack($value->$*)
                        : $key eq 'die_characters' ? "\xc3"
                        : $text->pack($value);
                }
                $conn->write_bytes(
                    Tenon::Test::Peer::framed(
                        "\x93\x04" . $octets->pack($call->[1]) . chr(0x80 | keys %map) . $bytes
                    ));
            }
            $conn->until_end;
        });
    my $session = connect_to($peer);
    for my $row (@table) {
        my ($what, undef, $name, $outcome, $text, $origin) = $row->@*;
        my $err = error_of(sub { $session->call('status', {}) });
        is(join(' ', $err->name, $err->outcome, $err->origin), "$name $outcome $origin", $what);
        ok("$err" eq $text, "$what: the text");
        ok($session->usable, "$what: the connection stays");
    }
    undef $session;
    peer_is_content($peer);
};

subtest 'what comes while a call waits' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            for my $nonce (42, 0, 9223372036854775807) {
                $conn->write_frame(7, $nonce);
                my $pong = $conn->read_frame;
                $conn->note("@$pong");
            }
            $conn->write_frame(5, 'note', { text => 'of a kind that nobody knows' });
            $conn->write_frame(8, 1);
            $conn->write_frame(6, 77);
            $conn->write_frame(2, 5, 'hello', {}, {});
            my $refusal = $conn->read_frame;
            $conn->note(join(' ', $refusal->@[0, 1], $refusal->[2]->@{qw(name outcome)}));
            $conn->write_frame(3, $call->[1], 'done');
            $conn->until_end;
        });
    my $session = connect_to($peer);
    is($session->call('status', {}, seconds => 20), 'done', 'the call is answered');
    is($peer->next_note, "8 $_", "the ping $_ was answered") for 42, 0, 9223372036854775807;
    is($peer->next_note, '4 5 UNKNOWN_METHOD NOT_STARTED', 'a call to a side that answers none');
    undef $session;
    peer_is_content($peer);
};

# ---- nesting

# Answers the other side's call by calling back, until it has been told to stop; what comes back goes outwards.
sub call_back ($conn, $call, $rounds) {
    my (undef, $id, $method, $params) = $call->@*;
    if ($rounds == 0) {
        $conn->write_frame(3, $id, 'innermost');
        return;
    }
    my $inner = 1000 + $rounds;
    $conn->write_frame(2, $inner, 'back', { rounds => $rounds }, {});
    while (my $frame = $conn->read_frame) {
        if ($frame->[0] == 2) {
            call_back($conn, $frame, $rounds - 1);
        } elsif ($frame->[1] == $inner) {
            $conn->write_frame($frame->[0], $id, $frame->[2]);
            return;
        } else {
            die "an answer to call $frame->[1]\n";
        }
    }
    die "the connection ended\n";
}

subtest 'calls inside each other' => sub {

    # What the peer asks for is answered by a call, which the peer answers by asking, and so on.
    for my $rounds (0, 1, 2, 8) {
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                call_back($conn, $conn->call, $rounds);
                $conn->until_end;
            });
        my ($session, @served);
        $session = connect_to(
            $peer,
            sub ($method, $params, $context) {
                push @served, $params->{rounds};
                return "($params->{rounds} " . $session->call('deeper', {}) . ')';
            });
        my $expected = 'innermost';
        $expected = "($_ $expected)" for 1 .. $rounds;
        is($session->call('outermost', {}), $expected, "$rounds rounds");
        is_deeply(\@served, [reverse(1 .. $rounds)],
            "$rounds rounds: each side was asked so often");
        undef $session;
        peer_is_content($peer);
    }
};

subtest 'calls are not nested without end' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            call_back($conn, $conn->call, 100);
            call_back($conn, $conn->call, 0);
            $conn->until_end;
        });
    my ($session, $served) = (undef, 0);
    $session = connect_to(
        $peer,
        sub ($method, $params, $context) {
            $served++;
            return $session->call('deeper', {});
        });
    my $err = error_of(sub { $session->call('outermost', {}) });
    is_error(
        $err, 'TOO_MANY_CALLS', 'NOT_STARTED',
        qr/back: calls are nested deeper than 16/,
        'the seventeenth is refused'
    );
    is($served, 8, 'eight calls of each side were under way inside each other');
    is($session->call('status', {}), 'innermost', 'the connection is as good as before');
    undef $session;
    peer_is_content($peer);
};

subtest 'the outer call may be answered before the inner one' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $outer = $conn->call;
            $conn->write_frame(2, 50, 'back', {}, {});
            my $inner = $conn->call;
            $conn->write_frame(3, $outer->[1], 'of the outer');
            $conn->write_frame(3, $inner->[1], 'of the inner');
            my $answer = $conn->read_frame;
            $conn->note("@$answer");
            $conn->serve(sub ($method, @) { return "of $method" });
        });
    my ($session, $inner);
    $session = connect_to(
        $peer,
        sub ($method, $params, $context) {
            $inner = $session->call('inner', {});
            return 'of the one in between';
        });
    is($session->call('outer', {}), 'of the outer', 'the outer gets its own');
    is($inner, 'of the inner', 'the inner too');
    is($peer->next_note, '3 50 of the one in between', 'and what lies between is answered');
    is($session->call('later', {}), 'of later', 'the connection is as good as before');
    undef $session;
    peer_is_content($peer);
};

subtest 'what a handler does wrong is told to the peer' => sub {
    my %code = (
        'dies with text' => sub { die "broken\n" },
        'dies with bytes that are no UTF-8' => sub { die "caf\xe9\n" },
        'dies with a hash' => sub { die { a => 1 } },
        'dies with an object that is false' => sub { die Tenon::Test::Falsehood->new },
        'dies with an error' => sub { Tenon::Error->throw('IN_USE', 'FAILED_CLEAN', 'in use') },
        'answers too much' => sub { return 'x' x 2**24 },
        'answers code' => sub {
            return sub { }
        },
    );
    my %expected = (
        'dies with text' => 'INTERNAL UNKNOWN try: broken',
        'dies with bytes that are no UTF-8' => 'INTERNAL UNKNOWN try: caf?',
        'dies with a hash' => qr/\AINTERNAL UNKNOWN try: HASH/,
        'dies with an object that is false' => qr/\AINTERNAL UNKNOWN try: /,
        'dies with an error' => 'IN_USE FAILED_CLEAN in use',
        'answers too much' => qr/\AFRAME_TOO_LONG UNKNOWN a frame of/,
        'answers code' => qr/\AINTERNAL UNKNOWN try: /,
    );
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            for my $what (sort keys %code) {
                $conn->write_frame(2, 9, 'try', { what => $what }, {});
                my $answer = $conn->read_frame;
                $conn->note(
                    $answer->[0] == 4
                    ? join(' ', $answer->[2]->@{qw(name outcome message)})
                    : 'an answer'
                );
            }
            $conn->write_frame(3, $call->[1], 'done');
            $conn->until_end;
        });
    my $session =
        connect_to($peer, sub ($method, $params, $context) { return $code{ $params->{what} }->() });
    is($session->call('begin', {}), 'done', 'the connection survives all of it');
    for my $what (sort keys %code) {
        my ($note, $expected) = ($peer->next_note, $expected{$what});
        ref($expected)
            ? like($note, $expected, "one that $what")
            : is($note, $expected, "one that $what");
    }
    undef $session;
    peer_is_content($peer);
};

subtest 'what is put off until after an answer' => sub {
    pipe(my $from_peer, my $to_us) or die "pipe: $!\n";
    my $heard =
        sub { return IO::Poll::_poll(10_000, fileno($from_peer), my $mask = IO::Poll::POLLIN) };
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->write_frame(2, 7, 'answered', {}, {});
            $conn->read_frame;
            syswrite($to_us, '.');
            $conn->write_frame(2, 8, 'lost', {}, {});
        });
    close($to_us);
    my (@done, $method);
    my $session = Tenon::Session->connect(
        $peer->path,
        { role => 'client' },
        sub ($name, @) {
            $method = $name;
            $heard->() if $name eq 'lost';
            return 'x' x 1_000_000 if $name eq 'lost';
            return;
        },
        sub {
            push @done, "$method " . ($heard->() ? sysread($from_peer, my $byte, 1) : 'silence');
        },
    );
    my $err = error_of(sub { $session->serve });
    is_error($err, 'CONNECTION_LOST', 'UNKNOWN', qr/lost while sending/, 'the peer has gone');
    is_deeply(
        \@done,
        ['answered 1', 'lost 0'],
        'is done once the answer has left, and also if it cannot leave'
    );
    peer_is_content($peer);
};

subtest 'serving until the peer closes' => sub {
    my @table = (
        ['DONE', undef],
        ['SHUTTING_DOWN', undef],
        ['MALFORMED_FRAME', qr/MALFORMED_FRAME, the reason/],
        [undef, qr/connection was lost/],
    );
    for my $row (@table) {
        my ($reason, $pattern) = $row->@*;
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                for my $id (7, 3) {
                    $conn->write_frame(2, $id, 'double', { n => $id }, { plugin => 'p' });
                    $conn->note(join(' ', $conn->read_frame->@*));
                }
                $conn->write_frame(9, $reason, 'the reason') if $reason;
            });
        my $session = connect_to(
            $peer,
            sub ($method, $params, $context) {
                return "$method " . 2 * $params->{n} . " $context->{plugin}";
            });
        my $err = error_of(sub { $session->serve });
        is($peer->next_note, '3 7 double 14 p', 'the first call was answered');
        is($peer->next_note, '3 3 double 6 p', 'the second call was answered, whatever its number');
        my $what = $reason // 'the end without a word';
        $pattern
            ? is_error($err, 'CONNECTION_LOST', 'UNKNOWN', $pattern, $what)
            : is($err, undef, "$what is no error");
        peer_is_content($peer);
    }
};

subtest 'a nested call that loses the connection ends those around it with the same words' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->write_frame(2, 1, 'outer', {}, {});
            $conn->call;
        });
    my ($session, $inner);
    $session = connect_to(
        $peer,
        sub ($method, $params, $context) {
            $inner = error_of(sub { $session->call('inner', {}) });
            return 'a plugin that goes on';
        });
    my $err = error_of(sub { $session->serve });
    is_error(
        $inner, 'CONNECTION_LOST', 'UNKNOWN',
        qr/\Ainner: the connection was lost/,
        'the inner call'
    );
    is_error(
        $err, 'CONNECTION_LOST', 'UNKNOWN',
        qr/\Athe connection has been given up\z/,
        'the loop around it'
    );
    peer_is_content($peer);
};

# ---- time and signals

subtest 'a deadline without alarm' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->note($conn->call->[4]->{deadline_ms});
            $conn->until_end;
        });
    my $session = connect_to($peer);
    my $rang = 0;
    local $SIG{ALRM} = sub { $rang++ };
    alarm(1000);
    my $start = clock_gettime(CLOCK_MONOTONIC);
    my $err = error_of(
        sub { $session->call('status', {}, seconds => 0.1, grace => 0.1, what => 'status of x') });
    my $took = clock_gettime(CLOCK_MONOTONIC) - $start;
    my $left = alarm(0);
    is_error(
        $err, 'DEADLINE_EXCEEDED', 'UNKNOWN',
        qr/\Astatus of x: no answer came in time; whether it took effect is not known\z/,
        'the call is late'
    );
    is($peer->next_note, 100, 'the peer was told less than this side waits');
    cmp_ok($took, '>=', 0.2, 'this side waited its time');
    cmp_ok($took, '<', 10, 'and not for ever');
    cmp_ok($left, '>', 900, "the host's alarm still runs");
    is($rang, 0, 'and was not rung');
    ok(!$session->usable, 'the connection is given up, since the answer may still come');
    is_error(
        error_of(sub { $session->call('status', {}) }),
        'CONNECTION_LOST', 'NOT_STARTED',
        qr/has been given up; it was not started/,
        'a further call'
    );
    peer_is_content($peer);
};

subtest 'a deadline while the request is sent' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->note('ready');
            IO::Poll::_poll(-1, fileno($conn->{socket}), my $mask = 0)
                ; # reads nothing until the other side has given up
        });
    my $session = connect_to($peer);
    $peer->next_note;
    my $err =
        error_of(sub { $session->call('status', { big => 'x' x 4_000_000 }, seconds => 0.1) });
    is_error(
        $err, 'DEADLINE_EXCEEDED', 'NOT_STARTED',
        qr/it was not started\z/,
        'a request that did not leave'
    );
    peer_is_content($peer);
};

subtest 'the timeout of a host passes through unchanged and takes the connection with it' => sub {
    my $object = { code => 4 };
    for my $thrown ("got timeout\n", '', $object) {
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                $conn->call;
                kill('ALRM', $conn->parent);
                $conn->until_end;
            });
        my $session = connect_to($peer);
        local $SIG{ALRM} = sub { die $thrown };
        my $died = !eval { $session->call('status', {}, seconds => 20); 1 };
        my $err = $@;
        ok($died, 'it ends the call');
        ref($thrown) ? is($err, $object, 'the same object')
            : length($thrown) ? is($err, $thrown, 'the same text')
            : like($err, qr/\ADied at/, 'what Perl makes of an empty text');
        ok(!$session->usable, 'the connection is given up');
        peer_is_content($peer);
    }
};

subtest 'the timeout of a host is not lost while the state of the connection is found out' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->call; # until here the other side reads
            $conn->write_bytes("\0\0\0\x08\x92");
            $conn->note('half');
            $conn->until_end;
        });
    my $session = connect_to($peer);
    $session->_send(Tenon::Frame::encode([2, 1, 'go', {}, {}]), undef);
    $peer->next_note;
    local $SIG{ALRM} = sub { die "got timeout\n" };
    setitimer(ITIMER_REAL, 0.1);
    my $err = error_of(sub { $session->is_stale });
    setitimer(ITIMER_REAL, 0);
    is($err, "got timeout\n", 'it passes through');
    ok(!$session->usable, 'the connection is given up');
    peer_is_content($peer);
};

subtest 'signals that are handled do not disturb' => sub {
    my $answer = 'x' x 300;
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            for my $byte (
                split(
                    m//,
                    Tenon::Test::Peer::framed(
                        Data::MessagePack->new->utf8->pack([3, $call->[1], $answer])))
            ) {
                kill('USR1', $conn->parent);
                $conn->write_bytes($byte);
            }
            $conn->until_end;
        });
    my $session = connect_to($peer);
    my $signals = 0;
    local $SIG{USR1} = sub { $signals++ };
    is($session->call('status', {}, seconds => 20), $answer, 'the answer comes byte by byte');
    cmp_ok($signals, '>', 0, "through $signals signals");
    undef $session;
    peer_is_content($peer);
};

# ---- ends

subtest 'the peer is lost or leaves the rules while a call waits' => sub {
    my @table = (

        # what, bytes that come instead of the answer, name, pattern
        [
            'it ends the connection', '',
            'CONNECTION_LOST', qr/the connection was lost before the answer came/
        ],
        [
            'it ends it inside a length', "\0\0",
            'CONNECTION_LOST', qr/the connection was lost inside a frame/
        ],
        [
            'it ends it inside a frame', "\0\0\0\x10\x93\x03",
            'CONNECTION_LOST', qr/the connection was lost inside a frame/
        ],
        [
            'it closes with a reason',
            Tenon::Frame::encode([9, 'SHUTTING_DOWN', 'the daemon is shutting down']),
            'CONNECTION_LOST',
            qr/the peer closed the connection: SHUTTING_DOWN, the daemon is shutting down/
        ],
        [
            'it says hello again',
            Tenon::Frame::encode([1, { protocols => [1] }]),
            'UNEXPECTED_FRAME', qr/said hello twice/
        ],
        [
            'it answers a call that nobody made',
            Tenon::Frame::encode([3, 77, undef]),
            'UNEXPECTED_FRAME',
            qr/answered call 77, which nobody made/
        ],
        ['it sends what is no frame', framed('c0'), 'MALFORMED_FRAME', qr/a frame is no list/],
        [
            'it sends a kind that does not exist', framed('92 63 01'),
            'MALFORMED_FRAME', qr/unknown kind 99/
        ],
        [
            'it claims a frame that is too long', "\x01\0\0\0",
            'FRAME_TOO_LONG', qr/longer than the limit/
        ],
    );
    for my $row (@table) {
        my ($what, $bytes, $name, $pattern) = $row->@*;
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                $conn->call;
                $conn->write_bytes($bytes);
            });
        my $session = connect_to($peer);
        my $err = error_of(
            sub { $session->call('alloc_image', {}, what => "alloc_image of storage 'nas'") });
        is_error($err, $name, 'UNKNOWN', $pattern, $what);
        like(
            $err->message,
            qr/\Aalloc_image of storage 'nas': .*; whether it took effect is not known\z/,
            "$what: the sentence tells which call and what is known"
        );
        ok(!$session->usable, "$what: the connection is given up");
        peer_is_content($peer);
    }
};

subtest 'a request that is too long is not sent' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->serve(sub ($method, @) { return $method });
        });
    my $session = connect_to($peer);
    is_error(
        error_of(sub { $session->call('status', { big => 'x' x 2**24 }) }),
        'FRAME_TOO_LONG',
        'NOT_STARTED',
qr/\Astatus: a frame of 16777\d+ bytes is longer than the limit of 16777215 bytes; it was not started\z/,
        'it'
    );
    is($session->call('status', {}), 'status', 'the connection is as good as before');
    undef $session;
    peer_is_content($peer);
};

subtest 'whether a connection is stale' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->write_frame(7, 5);
            $conn->note('pinged');
            $conn->note(join(' ', $conn->read_frame->@*));
            $conn->write_frame(2, 6, 'hello', {}, {});
            $conn->note('called');
            $conn->note(join(' ', ($conn->read_frame->@*)[0, 1]));
            $conn->call;
            close($conn->{socket});
            $conn->note('gone');
        });
    my $session = connect_to($peer);
    ok(!$session->is_stale, 'a quiet one is not');
    $peer->next_note;
    ok(!$session->is_stale, 'one with a ping is not');
    is($peer->next_note, '8 5', 'the ping was answered');
    $peer->next_note;
    ok(!$session->is_stale, 'one with a call is not');
    is($peer->next_note, '4 6', 'the call was answered');
    $session->_send(Tenon::Frame::encode([2, 1, 'last', {}, {}]), undef);
    is($peer->next_note, 'gone', 'the peer ends it');
    ok($session->is_stale, 'one that the peer ended is');
    ok(!$session->usable, 'and is given up');
    peer_is_content($peer);
};

subtest 'what was read together with an answer counts too' => sub {
    my @table = (
        ['a close', Tenon::Frame::encode([9, 'SHUTTING_DOWN', '']), 1, ''],
        ['a frame against the rules', Tenon::Frame::encode([3, 99, undef]), 1, ''],
        ['a ping', Tenon::Frame::encode([7, 5]), 0, '8 5'],
        ['half a frame', "\0\0\0\x08\x92", 0, ''],
    );
    for my $row (@table) {
        my ($what, $more, $stale, $answer) = $row->@*;
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                my $call = $conn->call;
                $conn->write_bytes(Tenon::Frame::encode([3, $call->[1], 'answer']) . $more);
                my $frame = $conn->read_frame;
                $conn->note($frame ? join(' ', $frame->@*) : '');
                $conn->until_end;
            });
        my $session = connect_to($peer);
        is($session->call('status', {}), 'answer', "$what behind an answer");
        is(!!$session->is_stale, !!$stale,
            "$what: " . ($stale ? 'the connection is of no use' : 'the connection is good'));
        $session->drop if !$answer;
        is($peer->next_note, $answer, "$what: what the peer got");
        $session->drop;
        peer_is_content($peer);
    }
};

subtest 'goodbye' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->note(join(' ', map { "<$_>" } $conn->read_frame->@*));
            $conn->note(defined($conn->read_frame) ? 'more' : 'end');
        });
    my $session = connect_to($peer);
    $session->goodbye;
    is($peer->next_note, '<9> <DONE> <>', 'the last frame');
    is($peer->next_note, 'end', 'then the end');
    is(error_of(sub { $session->goodbye }), undef, 'saying it again does nothing');
    peer_is_content($peer);
};

# ---- processes

subtest 'a forked child does not use the connection of its parent' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->serve(sub ($method, @) { return $method });
        });
    my $session = connect_to($peer);
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        my $wrong = $session->usable || !$session->is_stale;
        $session->goodbye;
        undef $session;
        POSIX::_exit($wrong ? 1 : 0);
    }
    waitpid($pid, 0);
    is($?, 0, 'the child knows that it is not its own');
    is($session->call('status', {}),
        'status', 'the parent uses it after the child has thrown it away');
    undef $session;
    peer_is_content($peer);
};

# The descriptors of an exec'd child, without the one it lists them with.
sub descriptors_of_a_child () {
    my @command = (
        $^X, '-e',
'opendir(my $d, "/proc/self/fd") or die; print join(" ", sort grep { m/^\d/ && -e "/proc/self/fd/$_" } readdir($d))'
    );
    open(my $fh, '-|', @command) or die "cannot run $^X: $!\n";
    my $fds = <$fh>;
    close($fh) or die "$^X failed\n";
    return $fds;
}

subtest 'the descriptor of the socket' => sub {
    my $peer = Tenon::Test::Peer->start(
        map {
            sub ($conn) { $conn->hello; $conn->until_end }
        } 1 .. 3
    );
    my $before = descriptors_of_a_child();
    my $session = connect_to($peer);
    my $socket = $session->{socket};
    cmp_ok(fileno($socket), '>=', 10, 'is none that children or plugins take for their own');
    ok(fcntl($socket, F_GETFD, 0) & FD_CLOEXEC, 'is closed by exec');
    ok(fcntl($socket, F_GETFL, 0) & O_NONBLOCK, 'never blocks');
    is(descriptors_of_a_child(), $before, 'an exec\'d child has no descriptor more');
    undef $socket;
    undef $session;

    {
        local $^F = 50; # a host that wants its descriptors to pass exec
        $session = connect_to($peer);
        is(descriptors_of_a_child(), $before, 'nor does one of a host that passes its own on');
        undef $session;
    }

    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        close(STDIN) && close(STDOUT) && close(STDERR) or POSIX::_exit(2);
        my $other = eval { connect_to($peer) };
        my $good =
               $other
            && fileno($other->{socket}) >= 10
            && !-e '/proc/self/fd/0'
            && !-e '/proc/self/fd/2';
        POSIX::_exit($good ? 0 : 1);
    }
    waitpid($pid, 0);
    is($?, 0, 'a process without standard input and output does not get it for one');
    peer_is_content($peer);
};

done_testing();
