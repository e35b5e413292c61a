use v5.36;

use Data::MessagePack ();
use Errno qw(EINTR);
use Fcntl qw(F_GETFD F_GETFL FD_CLOEXEC O_APPEND);
use File::Temp qw(tempdir);
use FindBin;
use IO::FDPass ();
use POSIX ();
use Socket qw(AF_UNIX PF_UNIX SOCK_STREAM SOMAXCONN pack_sockaddr_un);
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Api;
use Tenon::Descriptors;
use Tenon::Schema;

my $dir = tempdir(CLEANUP => 1);
my $path = "$dir/fds";
socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
bind($listener, pack_sockaddr_un($path)) or die "bind: $!\n";
listen($listener, SOMAXCONN) or die "listen: $!\n";
$Tenon::Descriptors::PATH = $path;
$SIG{ALRM} = 'DEFAULT';
alarm(60);

# The token and the descriptor that came.
sub arrived () {
    accept(my $socket, $listener) or die "accept: $!\n";
    sysread($socket, my $token, 16);
    my $fd = IO::FDPass::recv(fileno($socket));
    return (unpack('H*', $token), $fd);
}

# Gives a descriptor to whoever connects next, in a child.
sub giving ($fd) {
    my $pid = fork() // die "fork: $!\n";
    return $pid if $pid;
    accept(my $socket, $listener) or POSIX::_exit(1);
    sysread($socket, my $token, 16);
    IO::FDPass::send(fileno($socket), $fd) if defined($fd);
    POSIX::_exit(unpack('H*', $token) eq '00112233445566778899aabbccddeeff' ? 0 : 2);
}

sub refused ($code) {
    eval { $code->(); 1 } and return 'nothing was refused';
    my $err = $@;
    return ref($err) ? $err->name . ' ' . $err->outcome . ': ' . $err->message : $err;
}

sub content ($file) {
    open(my $in, '<', $file) or die "$file: $!\n";
    return do { local $/ = undef; <$in> };
}

subtest 'a handle crosses after what was printed to it' => sub {
    open(my $fh, '>>', "$dir/out") or die "$!\n";
    print $fh 'before ';
    my $token = Tenon::Descriptors::token_of($fh);
    like($token, qr/\A[0-9a-f]{32}\z/, 'a token');
    my ($sent, $fd) = arrived();
    is($sent, $token, 'the same token');
    POSIX::write($fd, 'after', 5);
    is(content("$dir/out"), 'before after', 'the same file, in this order');
    open(my $far, '>>&=', $fd) or die "$!\n";
    ok(fcntl($far, F_GETFL, 0) & O_APPEND, 'with its flags');
    isnt(Tenon::Descriptors::token_of($fh), $token, 'another token the next time');
    POSIX::close((arrived())[1]);
};

subtest 'a handle for reading, a pipe and a socket cross' => sub {
    open(my $file, '<', $0) or die "$!\n";
    pipe(my $in, my $out) or die "$!\n";
    socketpair(my $left, my $right, AF_UNIX, SOCK_STREAM, 0) or die "$!\n";
    for my $fh ($file, $in, $out, $left) {
        Tenon::Descriptors::token_of($fh);
        my (undef, $fd) = arrived();
        is(join(' ', (POSIX::fstat($fd))[0, 1]), join(' ', (stat($fh))[0, 1]), 'the same');
        POSIX::close($fd);
    }
};

subtest 'what has no descriptor is refused in one sentence' => sub {
    open(my $memory, '>', \my $buffer) or die "$!\n";
    open(my $closed, '<', $0) or die "$!\n";
    close($closed);
    my $sentence =
'BAD_PARAMETER NOT_STARTED: a stream must be an open file handle with a descriptor, such as a file,'
        . ' a pipe or a socket; this one has none';
    for my $bad ($memory, $closed, 'a stream', {}, []) {
        is(refused(sub { Tenon::Descriptors::token_of($bad) }), $sentence, 'refused');
    }
    local $Tenon::Descriptors::PATH = "$dir/nobody";
    open(my $fh, '<', $0) or die "$!\n";
    is(
        refused(sub { Tenon::Descriptors::token_of($fh) }),
"BAD_PARAMETER NOT_STARTED: nobody takes descriptors at '$dir/nobody': No such file or directory",
        'nobody there'
    );
    local $Tenon::Descriptors::PATH = undef;
    like(
        refused(sub { Tenon::Descriptors::token_of($fh) }),
        qr/the daemon takes no descriptors/,
        'an old daemon'
    );
};

subtest 'a handle of the far side can be written to by Perl and by programs' => sub {
    open(my $out, '>', "$dir/made") or die "$!\n";
    my $pid = giving(fileno($out));
    my $fh = Tenon::Descriptors::handle_of('00112233445566778899aabbccddeeff', 'write');
    waitpid($pid, 0);
    is($?, 0, 'claimed by its token');
    ok(fcntl($fh, F_GETFD, 0) & FD_CLOEXEC, 'close-on-exec');
    print $fh 'one ';
    my $fd = fileno($fh);
    my $write = 'open(my $fh, ">&=", $ARGV[0]) && syswrite($fh, "x") or exit 2';
    is(system($^X, '-e', $write, $fd) >> 8, 2, 'no program inherits it unasked');
    my $child = fork() // die "$!\n";

    if (!$child) {
        open(STDOUT, '>&', $fd) or POSIX::_exit(1);
        exec('printf', 'two');
    }
    waitpid($child, 0);
    print $fh ' three';
    is(content("$dir/made"), 'one two three', 'in this order');
    is(Tenon::Descriptors::end_call(), undef, 'nothing is lost');
    is(fileno($fh), undef, 'closed');
    is(Tenon::Descriptors::end_call(), undef, 'once');
};

subtest 'what cannot be written is told' => sub {
    open(my $full, '>', '/dev/full') or die "$!\n";
    waitpid(my $pid = giving(fileno($full)), POSIX::WNOHANG());
    my $fh = Tenon::Descriptors::handle_of('00112233445566778899aabbccddeeff', 'write');
    waitpid($pid, 0);
    $fh->autoflush(0);
    print $fh 'lost';
    is(Tenon::Descriptors::end_call(), 'No space left on device', 'by its error');
};

subtest 'a handle of the far side can be read' => sub {
    pipe(my $in, my $out) or die "$!\n";
    my $pid = giving(fileno($in));
    my $fh = Tenon::Descriptors::handle_of('00112233445566778899aabbccddeeff', 'read');
    waitpid($pid, 0);
    syswrite($out, 'headbody');
    sysread($fh, my $head, 4);
    is($head, 'head', 'by Perl');
    close($out);
    my $child = open(my $rest, '-|') // die "$!\n";

    if (!$child) {
        open(STDIN, '<&', $fh) or POSIX::_exit(1);
        exec('cat');
    }
    is(scalar(<$rest>), 'body', 'and by a program that goes on');
    Tenon::Descriptors::end_call();
};

subtest 'a token that is none, or is not known, is refused' => sub {
    like(refused(sub { Tenon::Descriptors::handle_of("a\n", 'read') }),
        qr/\ABAD_PARAMETER NOT_STARTED/, 'none');
    my $pid = giving(undef);
    is(
        refused(sub { Tenon::Descriptors::handle_of('00112233445566778899aabbccddeeff', 'read') }),
        "BAD_PARAMETER NOT_STARTED: the stream's descriptor did not come from '$path'",
        'not known'
    );
    waitpid($pid, 0);
};

subtest 'a call with a bad parameter sends no descriptor' => sub {
    my $api = Tenon::Api->load;
    open(my $fh, '<', $0) or die "$!\n";
    my @args = ({ type => 'dir' }, 'nas', $fh, "bad\xff", 'raw+size');
    like(
        refused(
            sub { Tenon::Schema::params_to_wire($api, $api->method('volume_export'), 15, \@args) }
        ),
        qr/\ABAD_TEXT/,
        'refused'
    );
    vec(my $mask = '', fileno($listener), 1) = 1;
    is(select($mask, undef, undef, 0), 0, 'nobody connected');
};

done_testing;
