# Asks for the status of a storage as PVE's status daemon does, before and after its storage began to hang.

use v5.36;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use PVE::Storage;

my ($file, $path) = @ARGV;
require $file;
my $class = 'PVE::Storage::Custom::' . ($file =~ m{(\w+)\.pm\z})[0];
my $scfg = { type => $class->type, path => $path, content => { images => 1 } };

my ($active, $inactive, $slow) = (0, 0, 0);
for my $poll (1 .. 8) {
    my $begun = clock_gettime(CLOCK_MONOTONIC);
    my $good = eval {
        $class->activate_storage('hang', $scfg, {});
        1;
    };
    my @status = $good ? $class->status('hang', $scfg, {}) : ();
    $slow++ if clock_gettime(CLOCK_MONOTONIC) - $begun > 2 * 2;
    $status[3] ? $active++ : $inactive++;
    if ($poll == 2) {
        open(my $fh, '>', "$path/hang") or die "$path/hang: $!\n";
    }
}
say "$active polls active, $inactive not, " . ($slow ? "$slow took longer" : 'none took 2 s');
