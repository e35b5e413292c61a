package Tenon::Lifeline;

use v5.36;

use Fcntl qw(F_GETFL F_SETFL O_ASYNC);
use IO::Poll ();

use constant { F_DUPFD_CLOEXEC => 1030, F_SETOWN => 8, F_SETSIG => 10 };

my $PIPE;

# The parent holds the other end of standard input; when it is gone, also by kill -9, the kernel sends the signal.
sub follow ($signal) {
    my $fd = fcntl(STDIN, F_DUPFD_CLOEXEC, 10) or die "cannot keep standard input: $!\n";
    open($PIPE, '<&=', $fd) or die "cannot keep standard input: $!\n";
    fcntl($PIPE, F_SETOWN, $$ + 0) or die "cannot watch standard input: $!\n";
    fcntl($PIPE, F_SETSIG, $signal) or die "cannot watch standard input: $!\n";
    my $flags = fcntl($PIPE, F_GETFL, 0);
    fcntl($PIPE, F_SETFL, $flags | O_ASYNC) or die "cannot watch standard input: $!\n";
    open(STDIN, '<', '/dev/null') or die "cannot open /dev/null: $!\n";

    # The kernel does not report an end that came before the request.
    kill($signal, $$) if IO::Poll::_poll(0, $fd, my $hung_up = 0) > 0;
    return;
}

1;

__END__

=head1 NAME

Tenon::Lifeline - a process that ends with its parent

=head1 SYNOPSIS

    Tenon::Lifeline::follow($signal);

=head1 FUNCTIONS

=head2 follow

Standard input is a pipe whose other end the parent holds and never writes to. C<follow> has the kernel send the signal,
a number, when that end is closed, which also happens when the parent is killed. Standard input becomes F</dev/null>, also
for whatever this process starts.

=cut
