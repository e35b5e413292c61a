package Tenon::Descriptors;

use v5.36;

use Errno qw(EINTR);
use Fcntl qw(F_GETFL F_SETFD FD_CLOEXEC O_ACCMODE O_RDONLY);
use IO::FDPass ();
use IO::Handle ();
use IO::Poll qw(POLLIN);
use POSIX ();
use Socket qw(MSG_NOSIGNAL PF_UNIX SOCK_STREAM pack_sockaddr_un);

use Tenon::Error;

use constant { TOKEN_BYTES => 16, LOWEST_FD => 3, CLAIM_MILLIS => 10_000 };

# Where the far side takes and gives descriptors; told in its hello.
our $PATH;

# The handles that the current call was given and has not closed.
my @OPEN;

# ---- to the far side

sub token_of ($fh) {
    my $fd = eval {
        no warnings 'uninitialized'; ## no critic (ProhibitNoWarnings)
        fileno($fh);
    };
    _refuse(  'a stream must be an open file handle with a descriptor, such as a file, a pipe or a'
            . ' socket; this one has none')
        if !defined($fd) || $fd < 0;

    # Output printed earlier must come before the stream.
    my $flags = fcntl($fh, F_GETFL, 0) // _refuse("the stream cannot be used: $!");
    ($flags & O_ACCMODE) == O_RDONLY
        or IO::Handle::flush($fh)
        or _refuse("what was written to the stream before is lost: $!");
    my $token = _random();
    my $socket = _connect();
    _send_token($socket, $token);
    local $SIG{PIPE} = 'IGNORE';
    IO::FDPass::send(fileno($socket), $fd)
        or _refuse("the stream's descriptor cannot be sent to '$PATH': $!");
    return unpack('H*', $token);
}

sub _random () {
    open(my $in, '<:raw', '/dev/urandom') or _refuse("/dev/urandom cannot be read: $!");
    my $read = sysread($in, my $token, TOKEN_BYTES) // 0;
    _refuse('/dev/urandom ends') if $read != TOKEN_BYTES;
    return $token;
}

sub _connect () {
    my ($path) = ($PATH // '') =~ m/\A(.+)\z/s
        or
        _refuse('the daemon takes no descriptors; install the same release of Tenon on both sides');
    socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or _refuse("no socket can be made: $!");
    my $connected;
    do { $connected = connect($socket, pack_sockaddr_un($path)) } until $connected || $! != EINTR;
    _refuse("nobody takes descriptors at '$path': $!") if !$connected;
    return $socket;
}

sub _send_token ($socket, $token) {
    my $sent;
    do { $sent = send($socket, $token, MSG_NOSIGNAL) } until defined($sent) || $! != EINTR;
    _refuse("the token of a descriptor cannot be sent to '$PATH': $!")
        if ($sent // 0) != length($token);
    return;
}

# ---- from the far side

sub handle_of ($token, $access) {
    my ($digits) = $token =~ m/\A([0-9a-f]{32})\z/
        or Tenon::Error->throw('BAD_PARAMETER', 'NOT_STARTED',
        'a token of a descriptor has 32 hexadecimal digits');
    my $socket = _connect();
    _send_token($socket, pack('H*', $digits));
    my $ready;
    do {
        $ready = IO::Poll::_poll(CLAIM_MILLIS, fileno($socket), my $mask = POLLIN);
    } until $ready >= 0 || $! != EINTR;
    my $fd = $ready > 0 ? IO::FDPass::recv(fileno($socket)) : -1;
    _refuse("the stream's descriptor did not come from '$PATH'") if $fd < 0;
    my $fh = _handle_at($fd, $access);
    push @OPEN, $fh;
    return $fh;
}

# Programs that the plugin starts write to it by its number, so nothing may stay in a buffer of Perl.
sub _handle_at ($fd, $access) {
    my %mode = (both => '+<&=', read => '<&=', write => '>&=');
    open(my $fh, $mode{$access}, _high($fd))
        or _refuse("the stream cannot be opened: $!");
    binmode($fh);
    $fh->autoflush(1);
    fcntl($fh, F_SETFD, FD_CLOEXEC) or _refuse("the stream cannot be marked close-on-exec: $!");
    return $fh;
}

# If a plugin closed its own output, the stream must not take that number.
sub _high ($fd) {
    return $fd if $fd >= LOWEST_FD;
    my @low;
    while ($fd < LOWEST_FD) {
        push @low, $fd;
        $fd = POSIX::dup($fd) // _refuse("the stream cannot be moved: $!");
    }
    POSIX::close($_) for @low;
    return $fd;
}

# Closes the call's handles, and says whether any of the plugin's output was lost.
sub end_call () {
    my @errors;
    while (my $fh = pop(@OPEN)) {
        next if !defined(fileno($fh));
        close($fh) or push @errors, "$!";
    }
    return $errors[0];
}

sub _refuse ($message) {
    Tenon::Error->throw('BAD_PARAMETER', 'NOT_STARTED', $message);
    return;
}

1;

__END__

=head1 NAME

Tenon::Descriptors - open files that cross to the far side of a call, and come from there

=head1 SYNOPSIS

    local $Tenon::Descriptors::PATH = $session->peer->{descriptors};
    my $token = Tenon::Descriptors::token_of($fh);

    my $fh = Tenon::Descriptors::handle_of($token, 'write');
    ...
    my $error = Tenon::Descriptors::end_call();

=head1 DESCRIPTION

The file handle of a transfer is not sent over the connection of the call, but as a descriptor over a socket of its own,
whose path the far side tells in its hello. What the call carries is a token. Flags of the file are left as they are.

=head1 FUNCTIONS

=head2 token_of

    my $token = Tenon::Descriptors::token_of($fh);

Sends the descriptor of the handle, which stays open here. Throws C<BAD_PARAMETER> if the handle has none, because it is
closed or in memory.

=head2 handle_of

    my $fh = Tenon::Descriptors::handle_of($token, $access);

A handle of the descriptor that the far side offered under the token, which can be used once. C<$access> is C<write>, C<read>
or C<both>. What is printed is written at once; programs that are started do not inherit it unless told so.

=head2 end_call

    my $error = Tenon::Descriptors::end_call();

Closes the handles that C<handle_of> made since the last time. Returns the error of writing to them, undef if there was none.

=cut
