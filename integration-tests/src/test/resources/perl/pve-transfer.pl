#!/usr/bin/perl
# PVE's own directory storage sends a volume to standard output, or takes one from standard input.
# Arguments: export|import, the storage's path, volume name, format, whether with snapshots.

use v5.36;

use PVE::Storage;
use PVE::Storage::DirPlugin;

my ($direction, $path, $volname, $format, $with_snapshots) = @ARGV;

my $class = 'PVE::Storage::DirPlugin';
my $scfg = { type => 'dir', path => $path };

if ($direction eq 'export') {
    open(my $out, '>&', \*STDOUT) or die "cannot keep standard output: $!\n";
    open(STDOUT, '>', '/dev/null') or die "cannot silence standard output: $!\n";
    $class->volume_export($scfg, 'store', $out, $volname, $format, undef, undef, $with_snapshots);
} else {
    my $volid = $class->volume_import(
        $scfg, 'store', \*STDIN, $volname, $format, undef, undef, $with_snapshots, 0,
    );
    say $volid;
}
