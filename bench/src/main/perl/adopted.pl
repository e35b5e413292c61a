#!/usr/bin/perl

# Makes the same call to a plugin in this process, to the same plugin behind the daemon, and twice to an echo if there is
# one, by turns, and prints how long each took in nanoseconds: one line a block, "adopted", "own" or "echoes" and its
# numbers. The argument is where PVE's modules are.
# Reads {"plugin", "type", "socket", "echo", "args", "warmup", "blocks", "block"} as JSON from standard input.

use v5.36;

use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Tenon::Client;

unshift @INC, $ENV{TENON_PVE_LIB} // $ARGV[0];
my $job = JSON::PP->new->utf8->decode(do { local $/ = undef; <STDIN> });
require PVE::Storage;
require $job->{plugin};
my $class = 'PVE::Storage::Custom::' . ($job->{plugin} =~ m{(\w+)\.pm\z})[0];
my $client = Tenon::Client->new(socket => $job->{socket});
my @args = $job->{args}->@*;
my %peers = (
    adopted => sub { return $client->call($job->{type}, 'volume_size_info', @args) },
    own => sub { return $class->volume_size_info(@args) },
);
my $echo = $job->{echo} && Tenon::Client->new(socket => $job->{echo});
$peers{echoes} = sub {
    my @first = $echo->call($job->{type}, 'volume_size_info', @args);
    return $echo->call($job->{type}, 'volume_size_info', @args);
    }
    if $echo;
my @names = sort keys %peers;

sub block ($name, $calls) {
    my $code = $peers{$name};
    my @nanos;
    for (1 .. $calls) {
        my $began = clock_gettime(CLOCK_MONOTONIC);
        my @result = $code->();
        my $ended = clock_gettime(CLOCK_MONOTONIC);
        push @nanos, ($ended - $began) * 1e9;
    }
    return @nanos;
}

my %answers = map {
    join(' ', map { $_ // 'undef' } $peers{$_}->()) => 1
} @names;
die 'the answers differ: ' . join(' and ', sort keys %answers) . "\n" if keys %answers != 1;

for (my $done = 0; $done < $job->{warmup}; $done += $job->{block}) {
    block($_, $job->{block}) for @names;
}
for my $round (1 .. $job->{blocks}) {
    for my $name ($round % 2 ? @names : reverse @names) {
        say join(' ', $name, map { sprintf('%.0f', $_) } block($name, $job->{block}));
    }
}
$client->disconnect;
$echo->disconnect if $echo;
