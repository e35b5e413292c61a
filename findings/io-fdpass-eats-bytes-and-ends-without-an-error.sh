#!/usr/bin/env bash
# IO::FDPass 1.3 (Perl): recv reads one byte of the stream each time, whether a descriptor came with it or not. Where the
# peer wrote ordinary data before the descriptor, every call takes one byte of it away for good and fails with EDOM
# ("Numerical argument out of domain"). When the peer has closed, recv fails and $! is 0, so "die $!" dies without a word and
# an end looks like no error. What arrives is inherited by programs that are started afterwards: it has no close-on-exec.
# What helps: a socket of its own for descriptors, recvmsg with MSG_CMSG_CLOEXEC, and 0 bytes taken as the end.
#
# Seen with libio-fdpass-perl 1.3-1+b2, Perl 5.36.0-7+deb12u3 (Debian 12):
#   three bytes, then a descriptor: -1 EDOM, -1 EDOM, -1 EDOM, a descriptor
#   close-on-exec: no
#   after the peer closed: -1, errno 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# The pinned packages of Debian 12 with the libraries that they need, unpacked here and not installed.
pinned() {
    local names=()
    mapfile -t names < <(apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "${@%%=*}" | grep "^[a-z]" | grep -vxE "libc6|libc6:.*|$(printf "%s|" "${@%%=*}")-" | sort -u)
    apt-get download -qq "$@" "${names[@]}" >apt.log 2>&1 || { cat apt.log; echo "these packages cannot be had here"; exit 2; }
    for package in *.deb; do dpkg -x "$package" root; done
    PATH=$work/root/usr/bin:$work/root/bin:$work/root/sbin:$work/root/usr/sbin:$PATH
    export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu
}
pinned libio-fdpass-perl=1.3-1+b2
cat >try.pl <<'P'
use strict;
use warnings;
use Errno ();
use IO::FDPass;
use Socket;

socketpair(my $near, my $far, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
syswrite($near, 'abc') == 3 or die "write: $!";
open(my $file, '<', '/dev/null') or die "open: $!";
IO::FDPass::send(fileno($near), fileno($file)) or die "send: $!";

my (@seen, $got);
for (1 .. 6) {
    $!   = 0;
    $got = IO::FDPass::recv(fileno($far));
    push @seen, $got >= 0 ? 'a descriptor' : $!{EDOM} ? '-1 EDOM' : "-1 errno " . ($! + 0);
    last if $got >= 0;
}
print 'three bytes, then a descriptor: ', join(', ', @seen), "\n";

open(my $info, '<', "/proc/self/fdinfo/$got") or die "fdinfo: $!";
my ($flags) = map { /^flags:\s*([0-7]+)/ ? oct($1) : () } <$info>;
print 'close-on-exec: ', ($flags & 02000000 ? 'yes' : 'no'), "\n";

close($near);
$!   = 0;
$got = IO::FDPass::recv(fileno($far));
print "after the peer closed: $got, errno ", $! + 0, "\n";
P
perl -I"$(dirname "$(dirname "$(find root -path '*IO/FDPass.pm')")")" try.pl | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
three bytes, then a descriptor: -1 EDOM, -1 EDOM, -1 EDOM, a descriptor
close-on-exec: no
after the peer closed: -1, errno 0
S
echo "as told: bytes are lost, and the end is no error"
