package Tenon::Inspect::Holdings;

use v5.36;

use Socket qw(AF_INET AF_INET6 AF_UNIX SOL_SOCKET SO_ACCEPTCONN);

# The access mode in the flags of a descriptor.
use constant ACCESS => 3;

# What this process has now, to compare with later.
sub seen () {
    return { children => _children(), files => _files(), threads => _threads() };
}

# What it has gained, in words, as far as forked processes would share or lack it.
sub more_than ($before) {
    my $now = seen();
    my $threads = $now->{threads} - $before->{threads};
    my ($files, $children) = ($now->{files}, $now->{children});
    my @opened = grep { ($before->{files}->{$_} // '') ne $files->{$_} } keys $files->%*;
    my @begun = grep { !exists($before->{children}->{$_}) } keys $children->%*;
    return (
        (map { _file($_, $files->{$_}) } sort { $a <=> $b } @opened),
        $threads > 0 ? ($threads == 1 ? 'a thread' : "$threads threads") : (),
        (map { "the process '$children->{$_}'" } sort { $a <=> $b } @begun),
    );
}

sub _names ($directory) {
    opendir(my $handle, $directory) or return;
    return grep { m/\A\d+\z/ } readdir($handle);
}

# What was open while the directory was read only is gone again.
sub _files () {
    return {
        map { my $target = readlink("/proc/self/fd/$_"); defined($target) ? ($_ => $target) : () }
            _names('/proc/self/fd') };
}

sub _threads () {
    return scalar(my @tasks = _names('/proc/self/task'));
}

sub _children () {
    my %children;
    for my $pid (_names('/proc')) {
        open(my $handle, '<', "/proc/$pid/stat") or next;
        my ($name, $state, $parent) = (<$handle> // '') =~ m/\((.*)\) (\S) (\d+) /s or next;
        $children{$pid} = $name =~ s/[^ -~]/?/gr if $parent == $$ && $state ne 'Z';
    }
    return \%children;
}

# Nothing for what can safely be shared: a file that is only read, and devices without state.
sub _file ($fd, $target) {
    return _socket($fd) if $target =~ m/\Asocket:/;
    return 'a pipe' if $target =~ m/\Apipe:/;
    return "an $1" if $target =~ m/\Aanon_inode:\[?(eventfd|eventpoll|inotify|io_uring)\]?/;
    return "a $1" if $target =~ m/\Aanon_inode:\[?(\w+)\]?/;
    return if $target =~ m{\A/dev/(?:null|zero|full|random|urandom|tty)\z};
    open(my $info, '<', "/proc/self/fdinfo/$fd") or return;
    my ($flags) = do { local $/ = undef; <$info> }
        =~ m/^flags:\s*([0-7]+)/m;
    return if !defined($flags) || !(oct($flags) & ACCESS);
    return "the file '" . ($target =~ s/[^ -~]/?/gr) . "', open for writing";
}

sub _socket ($fd) {
    open(my $socket, '+<&', $fd) or return 'a socket';
    my $listens = getsockopt($socket, SOL_SOCKET, SO_ACCEPTCONN);
    return 'a socket that listens at ' . _address(getsockname($socket))
        if defined($listens) && unpack('i', $listens);
    my $peer = getpeername($socket);
    return defined($peer) ? 'a connection to ' . _address($peer) : 'a socket';
}

sub _address ($address) {
    my $family = eval { Socket::sockaddr_family($address) } // return 'an unknown address';
    if ($family == AF_UNIX) {
        my $path = eval { Socket::unpack_sockaddr_un($address) } // '';
        return $path eq '' ? 'a socket without a name' : "'" . ($path =~ s/[^ -~]/?/gr) . "'";
    }
    return 'an unknown address' if $family != AF_INET && $family != AF_INET6;
    my ($port, $host) =
        $family == AF_INET
        ? Socket::unpack_sockaddr_in($address)
        : Socket::unpack_sockaddr_in6($address);
    my $text = Socket::inet_ntop($family, $host);
    return $family == AF_INET ? "$text:$port" : "[$text]:$port";
}

1;

__END__

=head1 NAME

Tenon::Inspect::Holdings - what a process got while something ran in it

=head1 SYNOPSIS

    my $before = Tenon::Inspect::Holdings::seen();
    ...
    my @held = Tenon::Inspect::Holdings::more_than($before);

=head1 DESCRIPTION

Looks into F</proc>. For plugins: what one opens or starts while it is loaded, each process that is forked afterwards shares
with the others (a connection, a pipe, a file that is written) or lacks (a thread).

=head1 FUNCTIONS

=head2 seen

    my $before = Tenon::Inspect::Holdings::seen();

=head2 more_than

    my @held = Tenon::Inspect::Holdings::more_than($before);

Phrases such as C<a connection to 192.0.2.1:443>, C<a thread>, C<the file '/var/log/nas.log', open for writing>. A file that is
only read is not told.

=cut
