#!/usr/bin/perl

# Runs the Perl tests and writes their counts, passed, failed and skipped, to a file. What is skipped is told with its
# reason.

use v5.36;

use TAP::Harness;

my ($counts, $dir) = @ARGV;
die "usage: run.pl COUNTS DIR\n" if !defined($dir);

my $pve = $ENV{TENON_PVE_LIB};
my $harness = TAP::Harness->new({
    failures => 1,
    lib => ['perl-shim/lib', defined($pve) ? $pve : (), 'perl-shim/compat'],
});
my ($passed, $failed, $skipped) = (0, 0, 0);
$harness->callback(
    made_parser => sub ($parser, $test) {
        my $file = $test->[0];
        $parser->callback(
            test => sub ($result) {
                if ($result->has_skip) {
                    $skipped++;
                    say STDERR "SKIPPED in $file: " . $result->explanation;
                } elsif ($result->is_ok) {
                    $passed++;
                } else {
                    $failed++;
                }
            },
        );
    },
);
my $result = $harness->runtests(sort glob("$dir/*.t"));

for my $file ($result->descriptions) {
    my ($parser) = $result->parsers($file);
    next if !defined($parser->skip_all);
    $skipped++;
    say STDERR "SKIPPED $file: " . $parser->skip_all;
}

# A file that ends early has no failed test of its own.
$failed ||= 1 if !$result->all_passed;

open(my $fh, '>', $counts) or die "cannot write '$counts': $!\n";
say $fh "$passed $failed $skipped";
close($fh) or die "cannot write '$counts': $!\n";
exit($result->all_passed ? 0 : 1);
