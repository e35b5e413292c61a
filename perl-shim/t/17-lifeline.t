use v5.36;

use FindBin;
use POSIX ();
use Test::More;

use lib "$FindBin::Bin/../lib";

use Tenon::Lifeline;

# How a child ends whose standard input is a pipe that is closed before, or after, the child follows it.
sub ending_of ($when) {
    pipe(my $in, my $out) or die "pipe: $!\n";
    pipe(my $follows, my $tell) or die "pipe: $!\n";
    close($out) if $when eq 'before';
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        alarm(20);
        POSIX::dup2(fileno($in), 0);
        close($in);
        close($out) if $when eq 'after';
        Tenon::Lifeline::follow(POSIX::SIGKILL());
        close($tell);
        sleep(1) while 1;
    }
    close($in);
    close($tell);
    sysread($follows, my $nothing, 1);
    close($out) if $when eq 'after';
    waitpid($pid, 0);
    return $? & 127;
}

for my $when (qw(before after)) {
    is(ending_of($when), POSIX::SIGKILL(), "a process ends whose parent goes $when it is followed");
}

done_testing();
