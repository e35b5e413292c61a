#!/usr/bin/env bash
# QEMU 7.2 knows a raw file by whole sectors of 512 bytes: one of 1000 bytes is a disk of 1024 to qemu-img info, and
# convert, dd, qemu-nbd and what reads from it deliver 1024 bytes, the last 24 of them zeros. nbdkit serves the file's 1000.
# The copy's checksum is not that of the source, its size is not that of the file, and a stream that promised the file's
# size is too long.
#
# Seen with qemu-utils 1:7.2+dfsg-7+deb12u18+b3, nbdkit 1.32.5-1, libnbd-bin 1.14.2-1 (Debian 12):
#   virtual size 1024, convert 1024, dd 1024, qemu-nbd 1024, nbdkit 1000
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
pinned nbdkit=1.32.5-1 libnbd-bin=1.14.2-1 qemu-utils=1:7.2+dfsg-7+deb12u18+b3
head -c 1000 /dev/urandom >disk.raw
virtual=$(qemu-img info --output=json disk.raw | grep -o '"virtual-size": [0-9]*' | head -n 1 | cut -d' ' -f2)
qemu-img convert -f raw -O raw disk.raw converted.raw
qemu-img dd -f raw -O raw bs=4k if=disk.raw of=copied.raw
cmp <(cat disk.raw; head -c 24 /dev/zero) converted.raw
qemu-nbd -t -f raw -r -k "$work/qemu.sock" --fork --pid-file="$work/pid" disk.raw
exported=$(nbdinfo --size "nbd+unix:///?socket=$work/qemu.sock")
kill "$(cat "$work/pid")"
plugin=$work/root/usr/lib/x86_64-linux-gnu/nbdkit/plugins/nbdkit-file-plugin.so
other=$(nbdkit -U - "$plugin" disk.raw --run 'nbdinfo --size "nbd+unix:///?socket=$unixsocket"')
seen="virtual size $virtual, convert $(stat -c %s converted.raw), dd $(stat -c %s copied.raw), qemu-nbd $exported, nbdkit $other"
echo "$seen"
[ "$seen" = "virtual size 1024, convert 1024, dd 1024, qemu-nbd 1024, nbdkit 1000" ] || { echo "the behaviour has changed"; exit 1; }
echo "as told: 1000 bytes became 1024"
