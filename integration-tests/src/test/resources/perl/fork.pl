# Forks after its first call; then parent, child and grandchild call at the same time, each with its own questions.
# Arguments: the storage's directory, and the type of the plugin if it is an adopted one.

use v5.36;

use PVE::Storage;
use PVE::Storage::Custom::TenonDirPlugin;
use Tenon::Client;

my ($path, $type) = @ARGV;
my $scfg = { type => $type // 'tenondir', path => $path, content => { images => 1 } };
my $client = Tenon::Client->new;
$| = 1;

sub ask ($method, @args) {
    return $client->call($type, $method, @args) if defined($type);
    return PVE::Storage::Custom::TenonDirPlugin->$method(@args);
}

sub calls ($who, $number) {
    my ($right, $wrong) = (0, 0);
    for my $i (1 .. 100) {
        my $vmid = $number * 1000 + $i;
        my $name = "vm-$vmid-disk-$i.qcow2";
        my ($file, $owner) = ask('path', $scfg, "$vmid/$name", 'nas');
        $file eq "$path/images/$vmid/$name" && $owner == $vmid ? $right++ : $wrong++;
    }
    say "$who $right right, $wrong wrong";
    return;
}

ask('status', 'nas', $scfg, {});

# All begin when the last is there: each waits until the pipe has ended.
pipe(my $gate, my $open) or die "pipe: $!\n";
my $child = fork() // die "fork: $!\n";
my $grandchild;
if (!$child) {
    close($open);
    ask('status', 'nas', $scfg, {});
    $grandchild = fork() // die "fork: $!\n";
    sysread($gate, my $nothing, 1);
    if (!$grandchild) {
        calls('grandchild', 3);
        exit(0);
    }
    calls('child', 2);
    waitpid($grandchild, 0);
    exit($? ? 1 : 0);
}
close($open);
calls('parent', 1);
waitpid($child, 0);
my $status = $?;

# The parent's connection has survived its children.
my @status = ask('status', 'nas', $scfg, {});
say 'end ' . ($status || !$status[3] ? 1 : 0);
