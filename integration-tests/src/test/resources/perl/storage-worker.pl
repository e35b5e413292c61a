# One of several that change a storage at once: chooses volumes by listing them, and changes each while holding the
# storage's lock. It prints a line of JSON for each operation: when it had the lock and when it was about to let it go, on
# the clock that all processes share, what it did and what that came to. Arguments: STOREID NAME SEED COUNT
# FORMATS, which are separated by commas.

use v5.36;

use FindBin;
use lib $FindBin::Bin;

use JSON::PP;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use HostConfig;

open(my $answers, '>&', \*STDOUT) or die "cannot keep standard output: $!\n";
open(STDOUT, '>&', \*STDERR) or die "cannot print to standard error: $!\n";
$answers->autoflush(1);

my ($storeid, $name, $seed, $count, $formats) = @ARGV;
srand($seed);

my $cfg = HostConfig::read_from(\*STDIN);
require HostFunctions;

my @GUESTS = (100, 101, 102);
my $TEMPLATES = 9000;
my $MOST_VOLUMES = 3;
# An extent of LVM, and a bit.
my $STEP_BYTES = (4 << 20) + 65536;
my $LOCK_SECONDS = 300;

my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->allow_unknown;

sub pick (@items) {
    return $items[rand(@items)];
}

sub now () {
    return int(clock_gettime(CLOCK_MONOTONIC) * 1e9);
}

sub volumes ($guest) {
    my $list = eval { HostFunctions::named('vdisk_list')->($cfg, $storeid, $guest)->{$storeid} };
    return grep { defined($_->{volid}) } ($list // [])->@*;
}

sub alloc ($guest) {
    return ['vdisk_alloc', $storeid, $guest, pick(split(/,/, $formats)), undef, 64 * (1 + int(rand(16)))];
}

sub of_template ($volume) {
    return ['vdisk_create_base', $volume->{volid}] if $volume->{volid} !~ m{/base-[^/]*\z};
    return ['vdisk_free', $volume->{volid}] if rand() < 0.2;
    return ['vdisk_clone', $volume->{volid}, pick(@GUESTS)];
}

sub of_guest ($volume, $step) {
    my $volid = $volume->{volid};
    my $kind = int(rand(8));
    return ['rename_volume', $volid, pick(@GUESTS), undef] if $kind < 2;
    return ['vdisk_free', $volid] if $kind < 4;
    return ['volume_resize', $volid, $volume->{size} + $STEP_BYTES, 0] if $kind < 6;
    my $names = eval { HostFunctions::named('volume_snapshot_info')->($cfg, $volid) } // {};
    my @snapshots = sort keys $names->%*;
    return ['volume_snapshot', $volid, "$name$step"] if !@snapshots || $kind == 6;
    return [pick('volume_snapshot_rollback', 'volume_snapshot_delete'), $volid, pick(@snapshots)];
}

sub operation ($step) {
    my $guest = pick(@GUESTS, $TEMPLATES);
    my @volumes = volumes($guest);
    return alloc($guest) if @volumes < $MOST_VOLUMES && rand() < ($guest == $TEMPLATES ? 0.2 : 0.5);
    return alloc($guest) if !@volumes;
    return $guest == $TEMPLATES ? of_template(pick(@volumes)) : of_guest(pick(@volumes), $step);
}

say $answers 'ready';
scalar(<STDIN>);
for my $step (1 .. $count) {
    my ($function, @args) = operation($step)->@*;
    my %did = (operation => [$function, @args]);
    my $work = sub {
        $did{enter} = now();
        my $result = eval { [scalar(HostFunctions::named($function)->($cfg, @args))] };
        $did{error} = "$@" if !$result;
        $did{result} = $result->[0] if $result;
        $did{leave} = now();
        return;
    };
    HostFunctions::lock_storage($cfg, $storeid, $LOCK_SECONDS, $work);
    say $answers $json->encode(\%did);
}
say $answers 'done';
