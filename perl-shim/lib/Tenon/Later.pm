package Tenon::Later;

use v5.36;

use POSIX ();

use Tenon::Error;

sub start ($class, $code) {
    pipe(my $in, my $out) or die "cannot make a pipe: $!\n";
    my $pid = fork() // die "cannot fork: $!\n";
    if (!$pid) {
        close($in);

        # Work that was begun goes on when the plugin's process and its group are ended.
        setpgrp(0, 0);
        my $good = eval { $code->(); 1 };
        my $text = $good ? '' : Tenon::Error::text_of($@);
        utf8::encode($text) if utf8::is_utf8($text);
        syswrite($out, $text) if length($text);

        # Only the plugin's own process runs its END blocks.
        STDOUT->flush;
        STDERR->flush;
        POSIX::_exit($good ? 0 : 1);
    }
    close($out);
    return bless { in => $in, pid => $pid, text => '' }, $class;
}

sub fd ($self) {
    return fileno($self->{in});
}

# Reads what is there; whether the work has ended.
sub has_ended ($self) {
    my $read = sysread($self->{in}, $self->{text}, 65536, length($self->{text}));
    return defined($read) && $read == 0;
}

sub error ($self) {
    waitpid($self->{pid}, 0);
    my $status = $?;
    return undef if !$status; ## no critic (ProhibitExplicitReturnUndef)
    return Tenon::Error->of_plugin($self->{text}) if $status >> 8 == 1;
    my $how =
        $status & 127
        ? 'was ended by signal ' . ($status & 127)
        : 'ended with exit status ' . ($status >> 8);
    return Tenon::Error->new(
        'SIDECAR_FAILED', 'UNKNOWN',
        "the process of the work $how",
        origin => 'sidecar'
    );
}

1;

__END__

=head1 NAME

Tenon::Later - an answer that comes when a child process has ended

=head1 DESCRIPTION

Work that may last for hours runs in a fork, so that the session goes on serving calls. A handler of L<Tenon::Session>
returns such an object instead of a result; the session sends the answer when the fork is done.

=head1 METHODS

=head2 start

    return Tenon::Later->start($code);

Forks and runs the code.

=head2 fd, has_ended, error

For the session: what to poll for reading, whether that was the end, and the L<Tenon::Error> of work that failed, undef if
it did not.

=cut
