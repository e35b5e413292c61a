# The file is long because the tests share the daemon that fails in every way a daemon can.
use v5.36;

use Data::MessagePack ();
use File::Temp qw(tempdir);
use FindBin;
use IO::Socket::UNIX ();
use POSIX ();
use Socket qw(PF_UNIX SOCK_NONBLOCK SOCK_STREAM pack_sockaddr_un);
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Client;
use Tenon::Frame;
use Tenon::Test::Data qw(error_of packed);
use Tenon::Test::Peer;

my @STORAGE = ('nas', { type => 'dir', path => '/srv/nas' });
my $TRUE = Data::MessagePack::true();

sub client_of ($peer) {
    return Tenon::Client->new(socket => $peer->path);
}

# A script that says hello and answers every call with the code's result.
sub serving ($code) {
    return sub ($conn) {
        $conn->hello(plugins => ['dir']);
        $conn->serve($code);
    };
}

sub status_answer ($total) {
    return { total => $total, avail => 2, used => 1, active => $TRUE };
}

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

subtest 'a call by position is one by name on the wire' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $raw;
            for (1 .. 2) {
                my $frame = $conn->read_frame(\$raw);
                $conn->note(unpack('H*', $raw));
                $conn->write_frame(3, $frame->[1],
                    $frame->[2] eq 'status' ? status_answer(3) : 'vm-100-disk-0');
            }
            $conn->note(join(' ', map { "<$_>" } $conn->read_frame->@*));
            $conn->until_end;
        });
    my $client = client_of($peer);
    is_deeply([$client->call('dir', 'status', @STORAGE, undef)], [3, 2, 1, 1], 'a list');
    is(
        packed(Tenon::Frame::decode(pack('H*', $peer->next_note))),
        packed([
                2, 1, 'status',
                { storeid => 'nas', scfg => $STORAGE[1], cache => undef },
                { plugin => 'dir', deadline_ms => 22000 }]
        ),
        'with the deadline of the method and a grace'
    );
    is(scalar($client->call('dir', 'alloc_image', @STORAGE, '100', 'raw', undef, '4096')),
        'vm-100-disk-0', 'a scalar');
    is(
        packed(Tenon::Frame::decode(pack('H*', $peer->next_note))),
        packed([
                2, 2,
                'alloc_image',
                {
                    storeid => 'nas',
                    scfg => $STORAGE[1],
                    vmid => 100,
                    fmt => 'raw',
                    name => undef,
                    size => 4096
                },
                { plugin => 'dir', deadline_ms => 172802000 }]
        ),
        'numbers are integers, whatever they looked like'
    );
    $client->disconnect;
    is($peer->next_note, '<9> <DONE> <>', 'and a goodbye');
    peer_is_content($peer);
};

subtest 'this side waits longer than it tells the daemon' => sub {
    my %waits;
    no warnings 'redefine';
    local *Tenon::Session::call =
        sub ($self, $method, $params, %opt) { %waits = %opt; return status_answer(3) };
    my $peer = Tenon::Test::Peer->start(sub ($conn) { $conn->hello; $conn->until_end });
    my $client = client_of($peer);
    $client->call('dir', 'status', @STORAGE);
    is($waits{seconds}, 22,
'the daemon is told more than the ten seconds of the method, which the storage keeps, and ten for the wait'
    );
    cmp_ok($waits{grace}, '>=', 1,
        'and this side waits longer, so that the word of either arrives');
    undef $client;
    peer_is_content($peer);
};

subtest 'the connection is made by the first call and kept' => sub {
    my $peer = Tenon::Test::Peer->start(
        serving(sub ($method, $params, $context) { return status_answer(1) }),
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'the first call');
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'the second uses the same connection');
    is_deeply($client->peer->{plugins}, ['dir'], 'what the daemon said');
    $client->disconnect;
    is(($client->call('dir', 'status', @STORAGE))[0], 2, 'after a goodbye there is a new one');
    $client->disconnect;
    is(error_of(sub { $client->disconnect }), undef, 'a goodbye without a connection does nothing');
    peer_is_content($peer);
};

subtest 'in every context' => sub {
    my $peer = Tenon::Test::Peer->start(
        serving(
            sub ($method, $params, $context) {
                return { path => '/srv/a', owner => 100, vtype => 'images' } if $method eq 'path';
                return status_answer(3) if $method eq 'status';
                return [] if $method eq 'list_images';
                return undef; ## no critic (ProhibitExplicitReturnUndef)
            }));
    my $client = client_of($peer);
    is_deeply(
        [$client->call('dir', 'path', {}, 'a', 'nas')],
        ['/srv/a', 100, 'images'],
        'a tuple in a list'
    );
    is(scalar($client->call('dir', 'path', {}, 'a', 'nas')), '/srv/a', 'a tuple in a scalar');
    is(scalar($client->call('dir', 'status', @STORAGE)), 1, 'status in a scalar');
    is_deeply([$client->call('dir', 'activate_storage', @STORAGE)], [], 'nothing in a list');
    is(scalar($client->call('dir', 'activate_storage', @STORAGE)), undef, 'nothing in a scalar');
    is_deeply(scalar($client->call('dir', 'list_images', @STORAGE)), [], 'a listing');
    is(error_of(sub { $client->call('dir', 'status', @STORAGE); return }), undef, 'in void');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'what cannot be sent is refused without a daemon' => sub {
    my $client = Tenon::Client->new(socket => '/nowhere/tenon.sock');
    is_error(error_of(sub { $client->call('dir', 'no_such') }),
        'UNKNOWN_METHOD', 'NOT_STARTED', qr/'no_such'/, 'a method');
    is_error(
        error_of(sub { $client->call('dir', 'status') }),
        'BAD_PARAMETER', 'NOT_STARTED', qr/'storeid' is missing/,
        'too few'
    );
    is_error(error_of(sub { $client->call('dir', 'api', 1) }),
        'BAD_PARAMETER', 'NOT_STARTED', qr/at most 0/, 'too many');
    is_error(error_of(sub { $client->call('dir', 'status', "\xe4", {}) }),
        'BAD_TEXT', 'NOT_STARTED', qr/UTF-8/, 'no UTF-8');
    is_error(
        error_of(sub { $client->call('dir', 'status', 'nas', {}) }),
        'CONNECT_FAILED', 'NOT_STARTED',
        qr{nobody answers at the socket '/nowhere/tenon.sock'},
        'a good call needs one'
    );
};

subtest 'where the daemon is' => sub {
    is(Tenon::Client->new(socket => '/a')->{socket}, '/a', 'as told');
    local $ENV{TENON_SOCKET} = '/b';
    is(Tenon::Client->new->{socket}, '/b', 'or as the environment says');
    delete local $ENV{TENON_SOCKET};
    is(Tenon::Client->new->{socket}, '/run/tenon/control.sock', 'or where it is by default');
};

subtest 'an error of the storage keeps the connection' => sub {
    my $peer = Tenon::Test::Peer->start(
        serving(
            sub ($method, $params, $context) {
                die {
                    code => 65541,
                    name => 'NOT_FOUND',
                    message => "no such volume '$params->{volname}'",
                    outcome => 'NOT_STARTED',
                    origin => 'daemon'
                    }
                    if $method eq 'path';
                return status_answer(3);
            }));
    my $client = client_of($peer);
    my $err = error_of(sub { $client->call('dir', 'path', {}, 'a', 'nas') });
    is_error($err, 'NOT_FOUND', 'NOT_STARTED', qr/\Ano such volume 'a'\z/, 'the error');
    is($err->origin, 'daemon', 'it tells where it arose');
    is(($client->call('dir', 'status', @STORAGE))[0], 3, 'the next call');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'an answer that is not of the shape is refused, and the connection kept' => sub {
    my %answers = (
        api => 'x',
        type => undef,
        status => ['x'],
        list_images => [1],
        alloc_image => { a => 1 },
        path => { path => "/\xe4" },
    );
    my $peer = Tenon::Test::Peer->start(serving(sub ($method, @) { return $answers{$method} }));
    my $client = client_of($peer);
    for my $row (
        ['api'], ['type'],
        ['status', @STORAGE],
        ['list_images', @STORAGE],
        ['alloc_image', @STORAGE, 1, 'raw', undef, 1]
    ) {
        my ($method, @args) = $row->@*;
        is_error(error_of(sub { $client->call('dir', $method, @args) }),
            'BAD_RESULT', 'UNKNOWN', qr/\A$method: /, $method);
    }
    is_error(error_of(sub { $client->call('dir', 'path', {}, 'a', 'nas') }),
        'BAD_TEXT', 'UNKNOWN', qr/\Apath: /, 'path');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'the daemon dies during a call and is back' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) { $conn->hello; $conn->call },
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    my $err = error_of(sub { $client->call('dir', 'free_image', @STORAGE, 'vm-1') });
    is_error(
        $err,
        'CONNECTION_LOST',
        'UNKNOWN',
qr/\Afree_image of dir, storage 'nas', volume 'vm-1': the connection was lost before the answer came; whether it took effect is not known\z/,
        'the call is not repeated, and the error says what is known'
    );
    is(($client->call('dir', 'status', @STORAGE))[0], 2, 'the next call finds the new daemon');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'half an answer' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            $conn->write_bytes(
                substr(Tenon::Frame::encode([3, $call->[1], status_answer(1)]), 0, 20));
        },
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    is_error(
        error_of(sub { $client->call('dir', 'status', @STORAGE) }),
        'CONNECTION_LOST', 'UNKNOWN',
        qr/status of dir, storage 'nas': the connection was lost inside a frame/,
        'is no answer'
    );
    is(($client->call('dir', 'status', @STORAGE))[0], 2,
        'and not taken for a part of the next one');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'the daemon is restarted while nobody calls' => sub {
    my $gone = sub (@close) {
        return sub ($conn) {
            $conn->hello;
            $conn->answer($conn->call,
                sub ($method, $params, $context) { return status_answer(1) });
            $conn->write_frame(9, @close) if @close;
            close($conn->{socket});
            $conn->note('gone');
        };
    };
    my $peer = Tenon::Test::Peer->start(
        $gone->(),
        $gone->('SHUTTING_DOWN', 'the daemon is shutting down'),
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'before');
    is($peer->next_note, 'gone', 'it went without a word');
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'the next call notices nothing');
    is($peer->next_note, 'gone', 'it went with a word');
    is(($client->call('dir', 'status', @STORAGE))[0], 2, 'the next call notices nothing');
    $client->disconnect;
    peer_is_content($peer);
    is_error(
        error_of(sub { $client->call('dir', 'status', @STORAGE) }),
        'CONNECT_FAILED', 'NOT_STARTED',
        qr/nobody answers/,
        'where it stays away the call is not started'
    );
};

subtest 'another daemon takes over while nobody calls' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->answer($conn->call, sub (@) { return status_answer(1) });
            $conn->write_frame(5, 'going_away', {});
            $conn->note('told');
            $conn->note(join(' ', map { "<$_>" } $conn->read_frame->@*));
        },
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'before');
    is($peer->next_note, 'told', 'it is asked to leave');
    is(($client->call('dir', 'status', @STORAGE))[0], 2, 'the next call goes to the other');
    is($peer->next_note, '<9> <DONE> <>', 'and the first hears a goodbye');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'a call is sent again only if the daemon that goes away has not read it' => sub {
    my $leaving = sub ($id, $count) {
        return sub ($conn) {
            $conn->hello;
            for (1 .. $count) {
                $conn->answer($conn->call, sub (@) { return status_answer($count) });
            }
            my $call = $conn->call;
            $conn->note("$call->[1] $call->[2]");
            $conn->write_frame(5, 'going_away', { defined($id) ? (last_id => $id) : () });
            $conn->write_frame(9, 'SHUTTING_DOWN', 'another daemon has taken over');
        };
    };
    my $peer = Tenon::Test::Peer->start(
        $leaving->(0, 0),
        $leaving->(1, 1),
        $leaving->(1, 0),
        $leaving->(undef, 0),
        serving(sub ($method, $params, $context) { return status_answer(7) }),
    );
    my $client = client_of($peer);
    is(($client->call('dir', 'status', @STORAGE))[0],
        1, 'the first call was not read, and the next daemon has it');
    is($peer->next_note, '1 status', 'it had been sent');
    for my $what ('one that was read is not sent again', 'nor one of which nothing is known') {
        is_error(error_of(sub { $client->call('dir', 'status', @STORAGE) }),
            'CONNECTION_LOST', 'UNKNOWN', qr/another daemon has taken over; whether/, $what);
        is($peer->next_note, '2 status', 'which the second daemon had not read')
            if $what =~ m/one that/;
        is($peer->next_note, '1 status', 'and was sent once');
    }
    is(($client->call('dir', 'status', @STORAGE))[0], 7, 'the connection after that is good');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'a large call that a daemon that went away had begun to get goes to the next one' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->read_bytes(1000);
            $conn->write_frame(5, 'going_away', { last_id => 0 });
            $conn->write_frame(9, 'SHUTTING_DOWN', 'another daemon has taken over');
        },
        serving(sub ($method, $params, $context) { return length($params->{scfg}->{nodes}) }),
    );
    my $scfg = { type => 'dir', path => '/srv/nas', nodes => 'n' x 3_000_000 };
    my $client = client_of($peer);
    is($client->call('dir', 'get_subdir', $scfg, 'images'), 3_000_000, 'whole, and once');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'a client with objects stays until the daemon goes' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            $conn->write_frame(5, 'going_away', {});
            for (1 .. 2) {
                $conn->answer($conn->call, sub (@) { return status_answer(1) });
            }
            $conn->until_end;
        });
    my $client = Tenon::Client->new(socket => $peer->path, stays => 1);
    is(($client->call('dir', 'status', @STORAGE))[0], 1, 'the call after it was told') for 1 .. 2;
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'a host that gives up by alarm gets its own words, and its next call the right answer' =>
    sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            my $answer = Tenon::Frame::encode([3, $call->[1], status_answer(1)]);
            $conn->write_bytes(substr($answer, 0, 9));
            kill('ALRM', $conn->parent);
            $conn->until_end;
        },
        serving(sub ($method, $params, $context) { return status_answer(2) }),
    );
    my $client = client_of($peer);
    local $SIG{ALRM} = sub { die "got timeout\n" };
    is(error_of(sub { $client->call('dir', 'status', @STORAGE) }), "got timeout\n",
        'its own words');
    is(($client->call('dir', 'status', @STORAGE))[0], 2, 'the right answer');
    $client->disconnect;
    peer_is_content($peer);
    };

subtest 'an alarm of the host that does not go off stays' => sub {
    my $peer = Tenon::Test::Peer->start(
        serving(sub ($method, $params, $context) { return status_answer(1) }));
    my $client = client_of($peer);
    my $rang = 0;
    local $SIG{ALRM} = sub { $rang++ };
    alarm(1000);
    $client->call('dir', 'status', @STORAGE) for 1 .. 3;
    cmp_ok(alarm(0), '>', 900, 'it still runs');
    is($rang, 0, 'and was not rung');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'parent and child call at the same time' => sub {
    my $answers =
        serving(sub ($method, $params, $context) { return { path => "/of/$params->{volname}" } });
    my $peer = Tenon::Test::Peer->start('together', $answers, $answers, $answers);
    my $client = client_of($peer);
    is(scalar($client->call('dir', 'path', {}, 'first', 'nas')),
        '/of/first', 'the parent has a connection');

    my $call_often = sub ($who) {
        my $wrong = 0;
        for my $n (1 .. 100) {
            my $path = eval { $client->call('dir', 'path', {}, "$who-$n", 'nas') } // '';
            $wrong++ if $path ne "/of/$who-$n";
        }
        return $wrong;
    };
    my @children;
    for my $number (1, 2) {
        my $pid = fork() // die "fork: $!\n";
        if (!$pid) {
            my $wrong = $call_often->("child$number");
            $client->disconnect;
            POSIX::_exit($wrong ? 1 : 0);
        }
        push @children, $pid;
    }
    is($call_often->('parent'), 0, '100 calls of the parent');
    for my $pid (@children) {
        waitpid($pid, 0);
        is($?, 0, '100 calls of a child');
    }
    is(scalar($client->call('dir', 'path', {}, 'last', 'nas')),
        '/of/last', 'the parent still has its connection');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'several megabytes in both directions' => sub {
    my $half = 'x' x 4_000_000;
    my $peer = Tenon::Test::Peer->start(
        serving(
            sub ($method, $params, $context) {
                if ($method eq 'list_images') {
                    return [
                        map {
                            {
                                volid => "nas:vm-$_-disk-0",
                                format => 'raw',
                                size => 1099511627776,
                                notes => 'n' x 100
                            }
                        } 1 .. 40000
                    ];
                }
                return {
                    path => $params->{scfg}->{second} eq $half ? $params->{scfg}->{first} : '/' };
            }));
    my $client = client_of($peer);
    for (1, 2) {
        my $path = $client->call('dir', 'path', { first => $half, second => $half, third => $half },
            'a', 'nas');
        ok($path eq $half, 'twelve go and four come');
    }
    my $list = $client->call('dir', 'list_images', @STORAGE);
    is(scalar($list->@*), 40000, 'a listing of 40000 volumes comes');
    is($list->[-1]->{volid}, 'nas:vm-40000-disk-0', 'with its last one');
    is_error(
        error_of(
            sub {
                $client->call('dir', 'status', 'nas', { map { $_ => $half } 1 .. 5 });
            }
        ),
        'FRAME_TOO_LONG',
        'NOT_STARTED',
        qr/\Astatus of dir, storage 'nas': a frame of/,
        'twenty are refused'
    );
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'names that are not ASCII come as they went' => sub {
    my $peer = Tenon::Test::Peer->start(
        serving(
            sub ($method, $params, $context) {
                return { path => "/srv/$params->{volname}" };
            }));
    my $client = client_of($peer);
    my $octets = "caf\xc3\xa9";
    my $path = $client->call('dir', 'path', {}, $octets, 'nas');
    ok($path eq "/srv/$octets", 'as octets, which is what a file name is in Perl');
    is(scalar($client->call('dir', 'path', {}, "caf\x{e9}\x{263a}", 'nas')),
        "/srv/$octets\xe2\x98\xba", 'characters as octets too');
    $client->disconnect;
    peer_is_content($peer);
};

subtest 'a daemon that hangs is waited for once' => sub {
    my $dir = tempdir(CLEANUP => 1);
    my $listening = IO::Socket::UNIX->new(Local => "$dir/hangs", Listen => 5)
        or die "no socket: $!\n";
    my $client = Tenon::Client->new(socket => "$dir/hangs", patience => 0.5);
    my $said = qr{\Astatus of dir, storage 'nas': no hello came from the socket '\Q$dir\E/hangs': };
    is_error(
        error_of(sub { $client->call('dir', 'status', @STORAGE, {}) }),
        'DEADLINE_EXCEEDED',
        'NOT_STARTED',
        qr{${said}none within 0.5 s; it was not started\z},
        'the first time as long as a hello may take',
    );
    for my $who ($client, Tenon::Client->new(socket => "$dir/hangs", patience => 0.5)) {
        is_error(
            error_of(sub { $who->call('dir', 'status', @STORAGE, {}) }),
            'DEADLINE_EXCEEDED',
            'NOT_STARTED',
            qr{${said}none within 0.25 s; it was not started\z},
            'and then shortly, whoever asks in this process',
        );
    }
};

subtest 'so is one that hangs for so long that the kernel lets nobody else wait' => sub {
    my $dir = tempdir(CLEANUP => 1);
    my $listening = IO::Socket::UNIX->new(Local => "$dir/hangs", Listen => 1)
        or die "no socket: $!\n";
    my @waiting;
    do {
        socket(my $one, PF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) or die "no socket: $!\n";
        push @waiting, $one;
    } while connect($waiting[-1], pack_sockaddr_un("$dir/hangs"));
    my $client = Tenon::Client->new(socket => "$dir/hangs", patience => 0.5);
    for my $patience (0.5, 0.25) {
        is_error(
            error_of(sub { $client->call('dir', 'status', @STORAGE, {}) }),
            'DEADLINE_EXCEEDED',
            'NOT_STARTED',
            qr{no room in its line within $patience s; it was not started\z},
            "for $patience s",
        );
    }
};

subtest 'a daemon that answers again is waited for as ever' => sub {
    my $dir = tempdir(CLEANUP => 1);
    my $listening = IO::Socket::UNIX->new(Local => "$dir/hangs", Listen => 5)
        or die "no socket: $!\n";
    my $client = Tenon::Client->new(socket => "$dir/hangs", patience => 0.1);
    error_of(sub { $client->call('dir', 'status', @STORAGE, {}) });
    close($listening);
    unlink("$dir/hangs");
    my $peer = Tenon::Test::Peer->start(serving(sub (@) { return status_answer(3) }));
    symlink($peer->path, "$dir/hangs") or die "no link: $!\n";
    is(($client->call('dir', 'status', @STORAGE, {}))[0], 3, 'it is asked at once');
    $client->disconnect;
    peer_is_content($peer);
    unlink("$dir/hangs");
    $listening = IO::Socket::UNIX->new(Local => "$dir/hangs", Listen => 5) or die "no socket: $!\n";
    like(
        error_of(sub { $client->call('dir', 'status', @STORAGE, {}) })->message,
        qr/none within 0.1 s/,
        'and forgiven'
    );
};

subtest 'under -T' => sub {
    my $file = tempdir(CLEANUP => 1) . '/written';
    my $peer = Tenon::Test::Peer->start(
        serving(
            sub ($method, $params, $context) {
                return status_answer(3) if $method eq 'status';
                return [{ volid => 'nas:a', format => 'raw', size => 5, notes => 'n' }]
                    if $method eq 'list_images';
                return { path => $file, owner => 100, vtype => 'images' };
            }));
    local $ENV{TENON_SOCKET} = $peer->path;
    open(my $fh, '-|', $^X, '-T', "-I$FindBin::Bin/../lib", "$FindBin::Bin/lib/tainted-client.pl")
        or die "cannot run $^X: $!\n";
    my $said = <$fh> // '';
    close($fh);
    is($?, 0, 'the process ends well');
    is($said, "good\n", 'and nothing that it got was tainted');
    open(my $written, '<', $file) or die "cannot read what was written: $!\n";
    is(<$written>, "written under -T\n", 'it wrote where it was told');
    peer_is_content($peer);
};

done_testing();
