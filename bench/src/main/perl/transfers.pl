#!/usr/bin/perl

# Makes transfers, one after the other: reads {"what", "image", "kind", "path"} as JSON, one a line, and prints "done" or
# the error for each. The argument is the daemon's socket.

use v5.36;

use IO::FDPass ();
use IO::Handle ();
use IO::Socket::UNIX ();
use JSON::PP ();

my $json = JSON::PP->new->utf8;
STDOUT->autoflush(1);

sub opened ($job) {
    if ($job->{kind} eq 'socket') {
        return IO::Socket::UNIX->new(Peer => $job->{path}) // die "$job->{path}: $!\n";
    }
    open(my $fh, $job->{what} eq 'export' ? '>' : '<', $job->{path}) or die "$job->{path}: $!\n";
    return $fh;
}

sub transfer ($job) {
    my $fh = opened($job);
    my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) // die "$ARGV[0]: $!\n";
    IO::FDPass::send(fileno($socket), fileno($fh)) or die "$ARGV[0]: $!\n";
    close($fh) or die "$job->{path}: $!\n";
    $socket->say("$job->{what} $job->{image}");
    return scalar(<$socket>);
}

while (my $line = <STDIN>) {
    print(eval { transfer($json->decode($line)) } // $@);
}
