use v5.36;

use Data::MessagePack ();
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Frame;
use Tenon::Pieces;
use Tenon::Session;
use Tenon::Test::Data qw(error_of);
use Tenon::Test::Peer;

use constant PIECE => Tenon::Pieces::LONGEST;

my $TRUE = Data::MessagePack::true();
my $TEXT = 'x' x (3 * PIECE);
my $BYTES = Data::MessagePack->new;

sub connect_to ($peer, $handler = undef) {
    return Tenon::Session->connect($peer->path, { role => 'client' }, $handler);
}

# As the far side writes it, in any of the ways to write its numbers.
sub piece ($left, $part) {
    return Tenon::Test::Peer::framed("\x93\x0a" . $BYTES->pack($left) . $BYTES->pack("$part"));
}

sub response ($id, $result) {
    return Data::MessagePack->new->utf8->pack([3, $id, $result]);
}

sub peer_is_content ($peer) {
    is_deeply([$peer->finish], [], 'the peer saw what it expected');
    return;
}

# Reads pieces up to the last, with a ping after the first, and returns the frame and what came between.
sub joined ($conn) {
    my ($payload, @between) = ('');
    while (1) {
        my $raw;
        my $frame = $conn->read_frame(\$raw);
        if ($frame->[0] != 10) {
            push @between, join(' ', $frame->@[0, 1]);
            next;
        }
        die "a piece is longer than it may be\n" if length($raw) > PIECE + 16;
        $conn->write_frame(7, 4711) if $payload eq '';
        $payload .= substr($raw, 12);
        last if $frame->[1] == 0;
    }
    return (Data::MessagePack->new->utf8->unpack($payload), @between);
}

subtest 'a long request goes in pieces, and a ping is answered between them' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello(pieces => $TRUE);
            my ($call, @between) = joined($conn);
            $conn->note("@between");
            $conn->write_frame(3, $call->[1], length($call->[3]->{text}));
            $conn->until_end;
        });
    my $session = connect_to($peer);
    is($session->call('long', { text => $TEXT }), length($TEXT), 'it arrived');
    is($peer->next_note, '8 4711', 'after the answer to the ping');
    $session->drop;
    peer_is_content($peer);
};

subtest 'so does a long answer, and a call that comes meanwhile is answered after it' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello(pieces => $TRUE);
            $conn->write_frame(2, 1, 'long', {}, {});
            $conn->write_frame(2, 2, 'short', {}, {});
            my ($answer, @between) = joined($conn);
            $conn->note(join(' ', $answer->[1], length($answer->[2]), @between));
            $conn->note(join(' ', $conn->read_frame->@*));
            $conn->write_frame(9, 'DONE', '');
        });
    connect_to($peer,
        sub ($method, $params, $context) { return $method eq 'long' ? $TEXT : 'short' })->serve;
    is($peer->next_note, '1 ' . length($TEXT) . ' 8 4711', 'the long answer');
    is($peer->next_note, '3 2 short', 'the short one');
    peer_is_content($peer);
};

subtest 'a peer that does not take pieces gets whole frames' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            $conn->write_frame(3, $call->[1], length($call->[3]->{text}));
            $conn->until_end;
        });
    my $session = connect_to($peer);
    is($session->call('long', { text => $TEXT }), length($TEXT), 'it arrived');
    $session->drop;
    peer_is_content($peer);
};

subtest 'an answer that comes in pieces, with other frames between them' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            my $answer = response($call->[1], { text => $TEXT });
            my @cuts = (0, 1, 7, 300, 70_000, length($answer));
            for my $i (1 .. $#cuts) {
                $conn->write_bytes(
                    piece(
                        length($answer) - $cuts[$i],
                        substr($answer, $cuts[$i - 1], $cuts[$i] - $cuts[$i - 1])));
                $conn->write_frame(7, $i) if $i < $#cuts;
            }
            $conn->note(join(',', map { $conn->read_frame->[1] } 1 .. $#cuts - 1));
            $conn->until_end;
        });
    my $session = connect_to($peer);
    is_deeply($session->call('long', {}), { text => $TEXT }, 'it is whole');
    is($peer->next_note, '1,2,3,4', 'the pings between the pieces were answered');
    ok(!$session->is_stale, 'the connection is good');
    $session->drop;
    peer_is_content($peer);
};

subtest 'pieces that do not fit' => sub {
    my $response = response(1, 'text');
    my %cases = (
        'one that leaves more than was missing' =>
            ['MALFORMED_FRAME', piece(8, 'abc'), piece(7, 'def')],
        'one that leaves less' => ['MALFORMED_FRAME', piece(8, 'abc'), piece(0, 'def')],
        'an empty one' => ['MALFORMED_FRAME', piece(8, '')],
        'one of a frame that is too long' => ['FRAME_TOO_LONG', piece(16_777_215, 'abc')],
        'one of the longest frame that can be claimed' =>
            ['FRAME_TOO_LONG', piece(9_223_372_036_854_775_807, 'abc')],
        'a piece of a piece' => ['UNEXPECTED_FRAME', piece(0, substr(piece(0, $response), 4))],
        'a piece of text' => ['MALFORMED_FRAME', Tenon::Test::Peer::framed("\x93\x0a\0\xa1a")],
        'a piece that claims more bytes than it has' =>
            ['MALFORMED_FRAME', Tenon::Test::Peer::framed("\x93\x0a\0\xc4\x05abc")],
        'the end after the first' => ['CONNECTION_LOST', piece(8, 'abc')],
    );
    for my $what (sort keys %cases) {
        my ($name, @bytes) = $cases{$what}->@*;
        my $peer = Tenon::Test::Peer->start(
            sub ($conn) {
                $conn->hello;
                $conn->call;
                $conn->write_bytes(join('', @bytes));
            });
        my $session = connect_to($peer);
        my $err = error_of(sub { $session->call('long', {}) });
        is(ref($err) ? $err->name . ' ' . $err->outcome : $err, "$name UNKNOWN", $what);
        like($err->message, qr/\A[ -~]+\z/, "$what: one sentence");
        peer_is_content($peer);
    }
};

subtest 'warnings are kept for the end of a call, but not without bound' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello;
            my $call = $conn->call;
            $conn->write_frame(5, 'warning', { text => "warning $_" }) for 1 .. 3000;
            $conn->write_frame(3, $call->[1], 'result');
            $conn->until_end;
        });
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    my $session = connect_to($peer);
    is($session->call('warned', {}), 'result', 'the answer');
    is(scalar(@warnings), 1001, 'a thousand warnings, and one more');
    is($warnings[-1], "there were more warnings\n", 'which tells that some are missing');
    $session->drop;
    peer_is_content($peer);
};

done_testing;
