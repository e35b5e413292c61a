#!/usr/bin/perl

# Makes transfers of volumes of a directory storage, one after the other: reads {"what", "image", "kind", "path"} as JSON,
# one a line, and prints "done" or the error for each. The argument is the daemon's socket.

use v5.36;

use IO::Handle ();
use IO::Socket::UNIX ();
use JSON::PP ();

use Tenon::Client;

use constant FORMAT => 'raw+size';

my $json = JSON::PP->new->utf8;
my $client = Tenon::Client->new(socket => $ARGV[0]);
STDOUT->autoflush(1);

sub opened ($job) {
    if ($job->{kind} eq 'socket') {
        return IO::Socket::UNIX->new(Peer => $job->{path}) // die "$job->{path}: $!\n";
    }
    open(my $fh, $job->{what} eq 'export' ? '>' : '<', $job->{path}) or die "$job->{path}: $!\n";
    return $fh;
}

sub transfer ($job) {
    my ($storage, $volume) = $job->{image} =~ m{\A(.+)/images/(.+)\z} or die "no image of a storage\n";
    my @storage = ({ type => 'dir', path => $storage, content => { images => 1 } }, 'bench');
    my $fh = opened($job);
    if ($job->{what} eq 'export') {
        $client->call('dir', 'volume_export', @storage, $fh, $volume, FORMAT, undef, undef, 0);
    } else {
        $client->call('dir', 'volume_import', @storage, $fh, $volume, FORMAT, undef, undef, 0, 0);
    }
    close($fh) or die "$job->{path}: $!\n";
    return;
}

while (my $line = <STDIN>) {
    my $is_done = eval { transfer($json->decode($line)); 1 };
    say($is_done ? 'done' : "$@" =~ s/\s+/ /gr);
}
$client->disconnect;
