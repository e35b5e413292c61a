#!/usr/bin/perl

# Runs the Perl tests and writes their counts, passed, failed and skipped, to a file.

use v5.36;

use TAP::Harness;

my ($counts, $dir) = @ARGV;
my $pve = $ENV{TENON_PVE_LIB};
my $harness = TAP::Harness->new({
    lib => ['perl-shim/lib', defined($pve) ? $pve : (), 'perl-shim/compat'],
    verbosity => 0,
    failures => 1,
    merge => 0,
});
my $result = $harness->runtests(sort glob("$dir/*.t"));

my $skipped = 0;
for my $file ($result->descriptions) {
    my ($parser) = $result->parsers($file);
    my $whole = $parser->skip_all;
    my $count = defined($whole) ? 1 : scalar($parser->skipped);
    next if !$count;
    $skipped += $count;
    say STDERR "SKIPPED in $file: "
        . ($whole // "$count tests; run it with prove -v for the reasons");
}
my $failed = $result->failed + $result->parse_errors + ($result->exit ? 1 : 0);
my $passed = $result->passed - grep { 1 }
    map { my ($p) = $result->parsers($_); $p->skipped } $result->descriptions;

open(my $fh, '>', $counts) or die "cannot write '$counts': $!\n";
say $fh "$passed " . ($result->all_passed ? 0 : $failed || 1) . " $skipped";
close($fh) or die "cannot write '$counts': $!\n";
exit($result->all_passed ? 0 : 1);
