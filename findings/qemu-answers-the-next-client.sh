#!/usr/bin/env bash
# QEMU 7.2: the answer to a QMP command of a client that has gone is given to the client that connects next, after the greeting of
# that one and before the answers to its own commands. A client that takes the first "return" for its own is one answer behind from
# then on: it takes the answer to its "qmp_capabilities" for that to its "cont", and closes a connection on which "cont" has not
# been answered; a guest stayed paused that way.
# What helps: an "id" in every command, which QEMU gives back, and different ones in every connection.
#
# Seen with qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3 (Debian 12), by a client that leaves while "pmemsave" runs:
#   the next client asks: qmp_capabilities with the id "second"
#   it is answered first: the id "first"
#   and then:             the id "second"
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
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
pinned qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3
qemu-system-x86_64 -L root/usr/share/qemu -L root/usr/share/seabios -nodefaults -display none -machine q35,accel=tcg -m 512 -S \
    -chardev socket,id=qmp,server=on,wait=off,path=qmp.sock -mon mode=control,chardev=qmp >qemu.log 2>&1 &
for _ in $(seq 100); do [ ! -S qmp.sock ] || break; sleep 0.1; done
sleep 1
perl -MIO::Socket::UNIX -e '
    $SIG{ALRM} = sub { die "no answer\n" };
    alarm 60;
    my $first = IO::Socket::UNIX->new(Peer => "qmp.sock") or die "no QEMU: $!\n";
    <$first>;
    print $first qq({"execute": "qmp_capabilities"}\n);
    <$first>;
    print $first qq({"execute": "pmemsave", "id": "first", "arguments": {"val": 0, "size": 500000000, "filename": "memory"}}\n);
    $first->flush;
    select undef, undef, undef, 0.05;
    close $first;
    my $second = IO::Socket::UNIX->new(Peer => "qmp.sock") or die "no QEMU: $!\n";
    <$second>;
    print $second qq({"execute": "qmp_capabilities", "id": "second"}\n);
    print "the next client asks: qmp_capabilities with the id \"second\"\n";
    for my $when ("it is answered first:", "and then:            ") {
        my $line;
        do { $line = <$second> // die "QEMU has gone\n" } until $line =~ m/"return"/;
        print "$when the id $1\n" if $line =~ m/"id": ("\w+")/;
        last if $line =~ m/second/;
    }' | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
the next client asks: qmp_capabilities with the id "second"
it is answered first: the id "first"
and then:             the id "second"
S
echo "as told: the answer to the one that has gone comes first"
