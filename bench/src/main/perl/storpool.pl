#!/usr/bin/perl

# Lists the volumes of a StorPool cluster by StorPool's own plugin, and prints how long each listing took in nanoseconds,
# after some that do not count. Arguments: the plugin's checkout, the directory of storpool_confget, a file with the API's
# answer, "http" to get that over HTTP or "memory" to have it at once, how many do not count and how many do, and where
# PVE's modules are.

use v5.36;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($checkout, $bin, $file, $from, $warmup, $rounds, $compat) = @ARGV;
unshift @INC, $ENV{TENON_PVE_LIB} // $compat;
unshift @INC, $compat;
$ENV{PATH} = "$bin:$ENV{PATH}";

# What it logs goes nowhere; it complains of a log that is not there.
open(STDERR, '>', '/dev/null') or die "cannot write to /dev/null: $!\n";

require PVE::Storage;
require "$checkout/lib/PVE/Storage/Custom/StorPoolPlugin.pm";
no warnings qw(once redefine);
*PVE::Cluster::get_clinfo = sub { return { cluster => { name => 'lab' } } };

if ($from eq 'memory') {
    open(my $fh, '<:raw', $file) or die "$file: $!\n";
    local $/ = undef;
    my $answer = <$fh>;
    *LWP::UserAgent::request = sub {
        return HTTP::Response->new(200, 'OK', ['Content-Type' => 'application/json'], $answer);
    };
}

my $class = 'PVE::Storage::Custom::StorPoolPlugin';
my $scfg = { type => 'storpool', template => 'hybrid', content => { images => 1 } };
for my $round (1 .. $warmup + $rounds) {
    my $begin = clock_gettime(CLOCK_MONOTONIC);
    my $list = $class->list_images('sp', $scfg, undef, undef, {});
    my $took = int((clock_gettime(CLOCK_MONOTONIC) - $begin) * 1e9);
    say "$took " . scalar($list->@*) if $round > $warmup;
}
STDOUT->flush;
