# Eight forked workers make 200 mixed calls each through one proxy class, at the same time.

use v5.36;

use PVE::Storage;

my ($file, $path) = @ARGV;
require $file;
my $class = 'PVE::Storage::Custom::' . ($file =~ m{(\w+)\.pm\z})[0];
my $scfg = { type => $class->type, path => $path, content => { images => 1 } };
$| = 1;

sub calls ($number) {
    my ($right, $wrong) = (0, 0);
    my $vmid = 100 + $number;
    my $check = sub ($good) { $good ? $right++ : $wrong++; };
    for my $round (1 .. 25) {
        my $volname = $class->alloc_image('fast', $scfg, $vmid, 'raw', "vm-$vmid-disk-$round.raw", 64);
        $check->($volname eq "$vmid/vm-$vmid-disk-$round.raw");
        my ($file, $owner, $vtype) = $class->path($scfg, $volname, 'fast');
        $check->($file eq "$path/images/$volname" && $owner == $vmid && $vtype eq 'images');
        $check->(-s $file == 65536);
        my ($size, $format) = $class->volume_size_info($scfg, 'fast', $volname, 5);
        $check->($size == 65536 && $format eq 'raw');
        my $images = $class->list_images('fast', $scfg, $vmid, undef, {});
        $check->(@$images == 1 && $images->[0]->{volid} eq "fast:$volname");
        my @status = $class->status('fast', $scfg, {});
        $check->(@status == 4 && $status[3] == 1);
        $class->free_image('fast', $scfg, $volname, 0, 'raw');
        $check->(!-e $file);
        $check->(!eval { $class->volume_size_info($scfg, 'fast', 'nonsense', 5); 1 } && $@ =~ m/nonsense/);
    }
    say "worker $number $right right, $wrong wrong";
    return;
}

$class->status('fast', $scfg, {});
pipe(my $gate, my $open) or die "pipe: $!\n";
for my $number (1 .. 8) {
    my $pid = fork() // die "fork: $!\n";
    next if $pid;
    close($open);
    sysread($gate, my $nothing, 1);
    calls($number);
    exit(0);
}
close($gate);
close($open);
1 while wait() > 0;
say 'left: ' . scalar($class->list_images('fast', $scfg, undef, undef, {})->@*);
