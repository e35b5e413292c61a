package Tenon::Test::Peer;

use v5.36;

use Data::MessagePack ();
use File::Temp qw(tempdir);
use IO::Poll qw(POLLIN);
use POSIX ();
use Socket qw(PF_UNIX SOCK_STREAM SOMAXCONN pack_sockaddr_un);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# It reads and writes frames by itself, so that a mistake in Tenon::Frame cannot hide behind the same mistake here.

use constant PATIENCE_SECONDS => 20;

my $PACKER = Data::MessagePack->new->utf8->canonical;

# ---- the test's side

sub start ($class, @scripts) {
    my $together = ref($scripts[0]) ? 0 : (shift(@scripts) eq 'together');
    my $dir = tempdir(CLEANUP => 1);
    my $path = "$dir/peer.sock";
    socket(my $listener, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    bind($listener, pack_sockaddr_un($path)) or die "bind: $!\n";
    listen($listener, SOMAXCONN) or die "listen: $!\n";
    pipe(my $in, my $out) or die "pipe: $!\n";

    my $parent = $$;
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        close($in);
        POSIX::_exit(_serve_all($listener, $out, $parent, $together, @scripts));
    }
    close($listener);
    close($out);
    return bless { dir => $dir, notes => $in, owner => $$, path => $path, pid => $pid, rest => '' },
        $class;
}

sub path ($self) {
    return $self->{path};
}

# The next line that a script noted; undef once the peer has ended.
sub next_note ($self) {
    my $deadline = clock_gettime(CLOCK_MONOTONIC) + PATIENCE_SECONDS;
    while (index($self->{rest}, "\n") < 0) {
        my $left = $deadline - clock_gettime(CLOCK_MONOTONIC);
        die "the peer noted nothing in time\n" if $left <= 0;
        next
            if IO::Poll::_poll(int($left * 1000) + 1, fileno($self->{notes}), my $mask = POLLIN)
            <= 0;
        my $read = sysread($self->{notes}, $self->{rest}, 65536, length($self->{rest}));
        return undef if defined($read) && $read == 0; ## no critic (ProhibitExplicitReturnUndef)
    }
    my ($note, $rest) = split(m/\n/, $self->{rest}, 2);
    $self->{rest} = $rest;
    return $note;
}

# Waits until every script has had its connection and come to its end; the notes that were left, the last of which tells
# of a script that died.
sub finish ($self) {
    my @notes;
    while (defined(my $note = $self->next_note)) {
        push @notes, $note;
    }
    waitpid($self->{pid}, 0);
    push @notes, "the peer ended with status $?" if $?;
    delete $self->{pid};
    return @notes;
}

sub DESTROY ($self) {
    return if !$self->{pid} || $self->{owner} != $$;
    local ($?, $!, $@);
    kill('KILL', -$self->{pid});
    kill('KILL', $self->{pid});
    waitpid($self->{pid}, 0);
    return;
}

# ---- the peer's side

sub _serve_all ($listener, $out, $parent, $together, @scripts) {
    setpgrp(0, 0);
    $SIG{ALRM} = 'DEFAULT';
    alarm(PATIENCE_SECONDS); # a test that waits for ever then finds the connection gone
    $SIG{PIPE} = 'IGNORE';
    my ($status, $number, @children) = (0, 0);
    for my $script (@scripts) {
        accept(my $socket, $listener) or return 99;
        close($listener) if ++$number == @scripts;
        my $conn = bless {
            buffer => '',
            number => $number,
            out => $out,
            parent => $parent,
            socket => $socket
            },
            'Tenon::Test::Peer::Connection';
        if ($together) {
            my $pid = fork() // return 98;
            POSIX::_exit($conn->run($script)) if !$pid;
            push @children, $pid;
        } else {
            $status ||= $conn->run($script);
        }
    }
    for my $pid (@children) {
        waitpid($pid, 0);
        $status ||= $? ? 97 : 0;
    }
    return $status;
}

package Tenon::Test::Peer::Connection;

use v5.36;

sub run ($self, $script) {
    alarm(Tenon::Test::Peer::PATIENCE_SECONDS);
    my $done = eval { $script->($self); 1 };
    $self->note("script $self->{number} died: $@") if !$done;
    close($self->{socket});
    return $done ? 0 : 1;
}

# The process that started the peer.
sub parent ($self) {
    return $self->{parent};
}

sub note ($self, $text) {
    $text =~ s/\n\z//;
    syswrite($self->{out}, ($text =~ s/\n/ | /gr) . "\n");
    return;
}

sub read_bytes ($self, $count) {
    while (length($self->{buffer}) < $count) {
        my $read = sysread($self->{socket}, $self->{buffer}, 1048576, length($self->{buffer}));
        return if !$read;
    }
    return substr($self->{buffer}, 0, $count, '');
}

# The next frame, undef once the other side has ended the connection. The raw payload goes to a second variable.
sub read_frame ($self, $raw = undef) {
    my $length = $self->read_bytes(4) // return;
    my $payload = $self->read_bytes(unpack('N', $length))
        // die "the connection ended inside a frame\n";
    $raw->$* = $payload if $raw;
    return $PACKER->unpack($payload);
}

sub write_bytes ($self, $bytes) {
    my $offset = 0;
    while ($offset < length($bytes)) {
        my $written = syswrite($self->{socket}, $bytes, length($bytes) - $offset, $offset)
            // die "cannot write: $!\n";
        $offset += $written;
    }
    return;
}

sub write_frame ($self, @frame) {
    return $self->write_bytes(Tenon::Test::Peer::framed($PACKER->pack(\@frame)));
}

# Reads the other side's hello and answers it; returns its facts.
sub hello ($self, %facts) {
    my $frame = $self->read_frame // die "no hello came\n";
    die "the first frame is of kind $frame->[0]\n" if $frame->[0] != 1;
    $self->write_frame(1, { protocols => [1], role => 'daemon', %facts });
    return $frame->[1];
}

# The next call; undef once the other side has ended the connection, with a close or without.
sub call ($self) {
    my $frame = $self->read_frame // return;
    return if $frame->[0] == 9;
    die "a frame of kind $frame->[0] instead of a call\n" if $frame->[0] != 2;
    return $frame;
}

# Answers calls until the other side ends the connection: with the code's result, or the map of an error if it dies with
# one.
sub serve ($self, $code) {
    while (my $call = $self->call) {
        $self->answer($call, $code);
    }
    return;
}

sub answer ($self, $call, $code) {
    my (undef, $id, @rest) = $call->@*;
    my $result = eval { [$code->(@rest)] };
    return $self->write_frame(3, $id, $result->[0]) if $result;
    my $err = $@;
    die $err if ref($err) ne 'HASH';
    return $self->write_frame(4, $id, $err);
}

# Reads nothing more and waits for the end; dies if anything but a close comes before.
sub until_end ($self) {
    while (my $frame = $self->read_frame) {
        die "a frame of kind $frame->[0] instead of the end\n" if $frame->[0] != 9;
    }
    return;
}

package Tenon::Test::Peer;

sub framed ($payload) {
    return pack('N', length($payload)) . $payload;
}

1;

__END__

=head1 NAME

Tenon::Test::Peer - the other end of a connection, for tests

=head1 SYNOPSIS

    my $peer = Tenon::Test::Peer->start(sub ($conn) {
        $conn->hello;
        $conn->serve(sub ($method, $params, $context) { return 'result' });
    });
    my $session = Tenon::Session->connect($peer->path, {}, undef);
    ...
    is_deeply([$peer->finish], [], 'the peer saw what it expected');

=head1 DESCRIPTION

A process that listens at a socket in a directory of its own and runs one script for each connection, in the order in
which they come; with C<together> as first argument all at the same time. When the last connection is there, it listens no
more. The socket answers as soon as C<start> returns. Both ends vanish with the object.

What a script notes with C<note> the test reads with C<next_note>.

=cut
