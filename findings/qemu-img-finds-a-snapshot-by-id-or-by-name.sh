#!/usr/bin/env bash
# qemu-img 7.2: a qcow2 snapshot has a name and a number, and the commands look for them in different orders. With a
# snapshot that is named by a number, "snapshot -a 2" rolls back to the one whose number is 2, and "snapshot -d 2" deletes the
# one whose name is 2. A name can also be given twice: the second "snapshot -c" exits 0, and -d takes the older one away.
# Names should not be numbers, and whoever makes a snapshot has to look himself whether its name is taken.
#
# Seen with qemu-utils 1:7.2+dfsg-7+deb12u18+b3 (Debian 12):
#   snapshots: 1=2 2=other
#   after -a 2 the disk is that of: other
#   after -d 2: 2=other
#   second -c other: exit 0: 2=other 3=other
#   after -d other: 3=other
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
pinned qemu-utils=1:7.2+dfsg-7+deb12u18+b3
qemu-img create -q -f qcow2 disk.qcow2 4M
snapshots() {
    qemu-img snapshot -l disk.qcow2 | awk 'NR > 2 { printf "%s%s=%s", sep, $1, $2; sep = " " }'
}
qemu-io -c 'write -q -P 0x11 0 64k' disk.qcow2
qemu-img snapshot -c 2 disk.qcow2
qemu-io -c 'write -q -P 0x22 0 64k' disk.qcow2
qemu-img snapshot -c other disk.qcow2
qemu-io -c 'write -q -P 0x33 0 64k' disk.qcow2
{
    echo "snapshots: $(snapshots)"
    qemu-img snapshot -a 2 disk.qcow2
    case $(qemu-io -r -c 'read -v 0 16' disk.qcow2 | awk 'NR == 1 { print $2 }') in
        11) echo "after -a 2 the disk is that of: 2" ;;
        22) echo "after -a 2 the disk is that of: other" ;;
    esac
    qemu-img snapshot -d 2 disk.qcow2
    echo "after -d 2: $(snapshots)"
    status=0
    qemu-img snapshot -c other disk.qcow2 || status=$?
    echo "second -c other: exit $status: $(snapshots)"
    qemu-img snapshot -d other disk.qcow2
    echo "after -d other: $(snapshots)"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
snapshots: 1=2 2=other
after -a 2 the disk is that of: other
after -d 2: 2=other
second -c other: exit 0: 2=other 3=other
after -d other: 3=other
S
echo "as told: -a looks for the number first, -d for the name, and names may be there twice"
