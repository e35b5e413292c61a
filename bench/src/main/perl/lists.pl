#!/usr/bin/perl

# Makes lists of many volumes by turns, and prints how long each took in nanoseconds, "adopted", "own", "native" or "packed"
# and a number a line. Adopted: by a plugin behind the daemon; own: by the same plugin in this process; native: by a storage
# in Java; packed: by another process that packs the same records and sends them to be unpacked here, and does nothing else.
# Reads {"plugin", "adopted", "native", "config", "peers", "rounds"} as JSON from standard input. The argument is where
# PVE's modules are.

use v5.36;

use Data::MessagePack ();
use JSON::PP ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Tenon::Client;

unshift @INC, $ENV{TENON_PVE_LIB} // $ARGV[0];
my $job = JSON::PP->new->utf8->decode(do { local $/ = undef; <STDIN> });
require PVE::Storage;
require $job->{plugin};
my $class = 'PVE::Storage::Custom::ConstantPlugin';
my @args = ('bench', $job->{config}, undef, undef, {});
my $packer = Data::MessagePack->new->utf8;

# The other process: for each byte that comes, the records.
sub start_packer () {
    socketpair(my $mine, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if ($pid) {
        close($theirs);
        return $mine;
    }
    close($mine);
    my $records = $class->list_images(@args);
    while (sysread($theirs, my $byte, 1)) {
        my $bytes = $packer->pack($records);
        print {$theirs} pack('N', length($bytes)), $bytes;
        $theirs->flush;
    }
    exit(0);
}

sub read_exactly ($socket, $length) {
    my $bytes = '';
    while (length($bytes) < $length) {
        sysread($socket, $bytes, $length - length($bytes), length($bytes))
            or die "the packer ended\n";
    }
    return $bytes;
}

my $socket = start_packer();
my $adopted = Tenon::Client->new(socket => $job->{adopted});
my $native = Tenon::Client->new(socket => $job->{native});
my %peers = (
    adopted => sub { return $adopted->call('constant', 'list_images', @args) },
    own => sub { return $class->list_images(@args) },
    native => sub { return $native->call('dir', 'list_images', @args) },
    packed => sub {
        syswrite($socket, '.');
        return $packer->unpack(read_exactly($socket, unpack('N', read_exactly($socket, 4))));
    },
);
for my $round (0 .. $job->{rounds}) {
    for my $name ($round % 2 ? $job->{peers}->@* : reverse($job->{peers}->@*)) {
        my $began = clock_gettime(CLOCK_MONOTONIC);
        my $list = $peers{$name}->();
        my $ended = clock_gettime(CLOCK_MONOTONIC);
        die "$name lists " . scalar($list->@*) . " volumes\n" if $list->@* != 20_000;
        say $name, ' ', sprintf('%.0f', ($ended - $began) * 1e9) if $round;
    }
}
close($socket);
$_->disconnect for $adopted, $native;
wait();
