package Tenon::Inspect::Trial;

use v5.36;

use Cwd qw(abs_path);
use Fcntl qw(F_GETFL F_SETFD F_SETFL O_NONBLOCK);
use File::Basename qw(dirname);
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

use constant TICK => 0.05;

# How much output of a process is kept; the rest is read and dropped.
my %LONGEST = (found => 4 * 1024 * 1024, stdout => 64 * 1024, stderr => 64 * 1024);

# Tries each order in a process of its own, all at the same time, until the last has ended or the deadline has passed.
sub run_all ($class, $deadline, @orders) {
    my @trials = map { _start($_) } @orders;
    my $stop = sub ($signal) {
        _end($_) for @trials;
        exit(128 + $signal);
    };
    local $SIG{HUP} = sub { $stop->(1) };
    local $SIG{INT} = sub { $stop->(2) };
    local $SIG{TERM} = sub { $stop->(15) };

    my $limit = clock_gettime(CLOCK_MONOTONIC) + $deadline;
    while (my @open = grep { !defined($_->{status}) } @trials) {
        _wait_for_output(@open);
        my $is_late = clock_gettime(CLOCK_MONOTONIC) > $limit;
        for my $trial (@open) {
            _read($trial);
            if (waitpid($trial->{pid}, WNOHANG) == $trial->{pid}) {
                $trial->{status} = $?;
                _end($trial);
            } elsif ($is_late) {
                $trial->{timed_out} = 1;
                _end($trial);
            }
        }
    }
    return map { _result($_) } @trials;
}

sub _start ($order) {
    pipe(my $lifeline, my $held) or die "cannot make a pipe: $!\n";
    my (%ours, %theirs);
    for my $stream (keys %LONGEST) {
        pipe($ours{$stream}, $theirs{$stream}) or die "cannot make a pipe: $!\n";
        fcntl($ours{$stream}, F_SETFL, fcntl($ours{$stream}, F_GETFL, 0) | O_NONBLOCK)
            or die "cannot make a pipe: $!\n";
    }
    my $found = fileno($theirs{found});
    my $json = JSON::PP->new->ascii->canonical->encode({ $order->%*, fd => $found });
    my $lib = abs_path(dirname(__FILE__) . '/../..');
    STDOUT->flush;
    my $pid = fork() // die "cannot start a process: $!\n";
    if (!$pid) {
        setpgrp(0, 0);
        fcntl($theirs{found}, F_SETFD, 0);
        POSIX::dup2(fileno($lifeline), 0);
        POSIX::dup2(fileno($theirs{stdout}), 1);
        POSIX::dup2(fileno($theirs{stderr}), 2);
        exec($^X, "-I$lib", '-MTenon::Inspect::Probe', '-e', 'Tenon::Inspect::Probe->main(shift)',
            '--', $json)
            or POSIX::_exit(127);
    }
    setpgrp($pid, $pid);
    return { held => $held, pid => $pid, pipes => \%ours, said => { map { $_ => '' } keys %ours } };
}

sub _wait_for_output (@trials) {
    my $bits = '';
    vec($bits, fileno($_), 1) = 1 for map { values $_->{pipes}->%* } @trials;
    select($bits, undef, undef, TICK);
    return;
}

sub _read ($trial) {
    for my $stream (keys $trial->{pipes}->%*) {
        my $count;
        while ($count = sysread($trial->{pipes}->{$stream}, my $bytes, 65536)) {
            my $room = $LONGEST{$stream} - length($trial->{said}->{$stream});
            $trial->{said}->{$stream} .= substr($bytes, 0, $room) if $room > 0;
        }
        delete $trial->{pipes}->{$stream} if defined($count);
    }
    return;
}

# Ends the process and everything that it has started.
sub _end ($trial) {
    kill('KILL', -$trial->{pid});
    if (!defined($trial->{status})) {
        waitpid($trial->{pid}, 0);
        $trial->{status} = $?;
    }
    _read($trial);
    $trial->{pipes} = {};
    return;
}

sub _result ($trial) {
    my %result = map { $_ => $trial->{said}->{$_} } qw(stdout stderr);
    $result{timed_out} = 1 if $trial->{timed_out};
    $result{status} = $trial->{status};
    for my $line (split(m/\n/, $trial->{said}->{found})) {
        my $found = eval { JSON::PP->new->utf8->decode($line) } // next;
        $result{$_} = $found->{$_} for keys $found->%*;
    }
    return \%result;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Trial - tries plugins in processes that may hang

=head1 SYNOPSIS

    my @results = Tenon::Inspect::Trial->run_all($seconds, @orders);

=head1 DESCRIPTION

Runs L<Tenon::Inspect::Probe> for each order. The processes are killed, with all that they have started, at the deadline
or when this process ends, however it ends.

=head1 METHODS

=head2 run_all

Returns, for each order, a hash reference with C<facts>, if the probe got that far, C<stage>, what it was doing,
C<status>, C<timed_out>, and what was printed to C<stdout> and C<stderr>.

=cut
