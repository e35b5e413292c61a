# Makes calls without a pause, at least as many as it is told and until there is a file "stop", each for a volume of its own
# name. Every tenth is of another storage, and every 25th leaves work that a fork claims, as PVE's workers do. Prints what
# failed, and then how many calls were counted by the plugin. Arguments: the storage's directory, a name, how many calls.

use v5.36;

use Tenon::Client;

my ($path, $name, $calls) = @ARGV;
my $scfg = { type => 'counting', path => $path, content => { images => 1 } };
my $native = { type => 'dir', path => $path, content => { images => 1 } };
my $client = Tenon::Client->new;
$| = 1;

sub in_a_fork ($code) {
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        my $good = eval { $code->(); 1 };
        say 'failed in a fork: ' . $@ if !$good;
        exit($good ? 0 : 1);
    }
    waitpid($pid, 0);
    die "a fork failed\n" if $?;
    return;
}

sub one_call ($turn) {
    if ($turn % 25 == 7) {
        my $cleanup = $client->call('counting', 'free_image', 'nas', $scfg, "$name-$turn", 0);
        in_a_fork($cleanup);
        return 1;
    }
    if ($turn % 10 == 3) {
        my @status = $client->call('dir', 'status', 'fast', $native, {});
        die "no status\n" if !$status[3];
        return 0;
    }
    my @size = $client->call('counting', 'volume_size_info', $scfg, 'nas', "$name-$turn", undef);
    die "no size\n" if !$size[0];
    return 1;
}

my ($turn, $counted) = (0, 0);
while ($turn < $calls || !-e "$path/stop") {
    $turn++;
    next if eval { $counted += one_call($turn); 1 };
    my $err = $@;
    say ref($err)
        ? join(' ', 'failed', $turn, $err->name, $err->outcome, $err->message =~ s/\s+/ /gr)
        : "failed $turn otherwise: $err";
}
say "end $turn $counted";
