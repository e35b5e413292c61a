#!/usr/bin/perl

# What a sidecar would be if nothing had to be done: reads frames, and answers every call with the same result. With
# --bare it does not even look into them; only the id goes back.

use v5.36;

use IO::Socket::UNIX ();

use Tenon::Frame;
use Tenon::Session;

my %RESULT =
    (size => 67108864, format => 'qcow2', used => 200704, parent => undef, ctime => 1760000000);

my ($path, $bare) = @ARGV;
die "usage: echo-peer.pl SOCKET [--bare]\n" if !defined($path);

if (!$bare) {
    Tenon::Session->connect($path, { role => 'echo' }, sub (@) { return \%RESULT })->serve;
    exit(0);
}

my $socket = IO::Socket::UNIX->new(Peer => $path) or
    die "nobody answers at the socket '$path': $!\n";
syswrite($socket, Tenon::Frame::encode([Tenon::Frame::HELLO, { protocols => [1], role => 'echo' }]))
    or
    die "$!\n";
my $result = substr(Tenon::Frame::encode([Tenon::Frame::RESPONSE, 0, \%RESULT]), 7);
my %ID_BYTES = (0xcc => 2, 0xcd => 3, 0xce => 5, 0xcf => 9);
my $buffer = '';
while (sysread($socket, $buffer, 262144, length($buffer))) {
    while (length($buffer) >= 4 && length($buffer) >= 4 + unpack('N', $buffer)) {
        my $frame = substr($buffer, 0, 4 + unpack('N', $buffer), '');
        my $kind = vec($frame, 5, 8);
        exit(0) if $kind == Tenon::Frame::CLOSE;
        next if $kind != Tenon::Frame::REQUEST;
        my $id = substr($frame, 6, $ID_BYTES{ vec($frame, 6, 8) } // 1);
        my $answer = "\x93\x03$id$result";
        syswrite($socket, pack('N', length($answer)) . $answer) or die "cannot answer: $!\n";
    }
}
