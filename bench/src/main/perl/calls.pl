#!/usr/bin/perl

# Makes the same call over two sockets, by turns, and prints how long each took in nanoseconds: one line a block, the
# name of the peer and its numbers. Reads {"method", "args", "peers": {name: socket}, "warmup", "blocks", "block"} as
# JSON from standard input. With "pace" a call begins so many nanoseconds after the one before began, or at once if that took
# longer.

use v5.36;

use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

use Tenon::Client;

my $job = JSON::PP->new->utf8->decode(do { local $/ = undef; <STDIN> });
my ($method, @args) = ($job->{method}, $job->{args}->@*);
my @peers = sort keys $job->{peers}->%*;
my $pace = ($job->{pace} // 0) / 1e9;
my %client = map { $_ => Tenon::Client->new(socket => $job->{peers}->{$_}) } @peers;

sub block ($name, $calls) {
    my $client = $client{$name};
    my @nanos;
    for (1 .. $calls) {
        my $began = clock_gettime(CLOCK_MONOTONIC);
        my @result = $client->call('dir', $method, @args);
        my $ended = clock_gettime(CLOCK_MONOTONIC);
        push @nanos, ($ended - $began) * 1e9;
        my $left = $began + $pace - $ended;
        sleep($left) if $left > 0;
    }
    return @nanos;
}

# A comparison of different answers would say nothing.
my %answers = map {
    join("\n", map { $_ // 'undef' } $client{$_}->call('dir', $method, @args)) => 1
} @peers;
die "the peers answer $method differently: "
    . join(' and ', map { s/\n/, /gr } sort keys %answers) . "\n"
    if keys %answers != 1;

for my $round (1 .. $job->{warmup} / $job->{block}) {
    block($_, $job->{block}) for @peers;
}
for my $round (1 .. $job->{blocks}) {
    for my $name ($round % 2 ? @peers : reverse @peers) {
        say join(' ', $name, map { sprintf('%.0f', $_) } block($name, $job->{block}));
    }
}
$client{$_}->disconnect for @peers;
