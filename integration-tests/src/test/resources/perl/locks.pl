# Locks a storage through PVE's own function, as the test says line by line:
#   hold SHARED SECONDS       until the next line
#   count SHARED FILE ROUNDS  adds to the number in the file, once each round

use v5.36;

# PVE's own modules lock at fixed places; there, in a mount namespace of this process, are the test's directories.
my $scratch = shift @ARGV;
BEGIN { $| = 1 }
if (-d "$scratch/pve" && !$ENV{TENON_TEST_MOUNTED}) {
    local $ENV{TENON_TEST_MOUNTED} = 1;
    exec('unshare', '--mount', '--propagation', 'private', $^X, (map { "-I$_" } @INC), $0, $scratch)
        or die "unshare: $!\n";
}
if ($ENV{TENON_TEST_MOUNTED}) {
    my $upper = "$scratch/upper";
    for my $command (
        "mount --bind $scratch/locks /var/lock",
        "mkdir -p $upper",
        "mount -t tmpfs tmpfs $upper",
        "mkdir $upper/etc $upper/work",
        "mount -t overlay -o lowerdir=/etc,upperdir=$upper/etc,workdir=$upper/work overlay /etc",
        'mkdir -p /etc/pve',
        "mount --bind $scratch/pve /etc/pve",
    ) {
        system($command) == 0 or die "$command failed\n";
    }
} else {
    $ENV{TENON_LOCK_DIR} = "$scratch/locks";
}

require PVE::Storage;
my $class = 'PVE::Storage::Plugin';

sub add_one ($file) {
    open(my $in, '<', $file) or die "$file: $!\n";
    my $number = <$in>;
    open(my $out, '>', $file) or die "$file: $!\n";
    print $out $number + 1;
    close($out) or die "$file: $!\n";
    return;
}

say 'ready';
while (defined(my $line = <STDIN>)) {
    my ($what, $shared, @args) = split(' ', $line);
    my $done = eval {
        if ($what eq 'hold') {
            $class->cluster_lock_storage('store', $shared, $args[0], sub { say 'held'; <STDIN> });
        } else {
            my ($file, $rounds) = @args;
            $class->cluster_lock_storage('store', $shared, 50, \&add_one, $file) for 1 .. $rounds;
        }
        1;
    };
    say $done ? 'done' : "failed: $@" =~ s/\n\z//r;
}
