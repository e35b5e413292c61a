# Mounts a FUSE file system that never answers: its server says what it must to be mounted, and nothing after that. Prints
# "mounted", and ends with its standard input; then every call that waits fails, and the mount is gone.
#
#     hanging-mount.pl DIRECTORY

use v5.36;

use POSIX ();

use constant FUSE_INIT => 26;
use constant NO_SUID_NO_DEVICES => 6;
use constant DETACH => 2;

my ($mount_call, $umount_call) = (POSIX::uname())[4] eq 'x86_64' ? (165, 166) : (40, 39);
my ($directory) = @ARGV;

open(my $fuse, '+<', '/dev/fuse') or die "cannot open /dev/fuse: $!\n";
my $options = sprintf('fd=%d,rootmode=40000,user_id=%d,group_id=%d', fileno($fuse), $<, int($());
my ($source, $type) = ('tenon-hangs', 'fuse');
syscall($mount_call, $source, $directory, $type, NO_SUID_NO_DEVICES, $options) == 0
    or die "cannot mount: $!\n";

sysread($fuse, my $request, 65536) or die "the kernel says nothing: $!\n";
my (undef, $operation, $number) = unpack('L L Q', $request);
die "the kernel begins with $operation\n" if $operation != FUSE_INIT;
my $answer = pack('L l Q L4 S2 L2 S2 L L7',
    80, 0, $number, 7, 31, 65536, 0, 12, 10, 131072, 1, 32, 0, 0, (0) x 7);
syswrite($fuse, $answer) == length($answer) or die "cannot answer: $!\n";

$| = 1;
say 'mounted';
1 while <STDIN>;
close($fuse);
syscall($umount_call, $directory, DETACH);
