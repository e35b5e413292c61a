#!/usr/bin/env bash
# nbdkit 1.32.5: a server whose plugin knows no export names (file, and most others) takes every name that a client asks
# for and serves its one disk under it. qemu-nbd refuses a name that it does not have. A client that restores the export
# "drive-scsi1" from the wrong server, or misspells it, gets the bytes of another disk, without an error; only a listing of
# the exports tells.
#
# Seen with nbdkit 1.32.5-1, libnbd-bin 1.14.2-1, qemu-utils 1:7.2+dfsg-7+deb12u18+b3 (Debian 12):
#   nbdkit, export "no-such-disk": exit 0, size 1048576
#   qemu-nbd -x disk, export "no-such-disk": exit 1
#   nbdkit lists: ""
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
truncate -s 1M disk.raw
export work
plugin=$work/root/usr/lib/x86_64-linux-gnu/nbdkit/plugins/nbdkit-file-plugin.so
{
    nbdkit -U - "$plugin" disk.raw --run 'size=$(nbdinfo --size "nbd+unix:///no-such-disk?socket=$unixsocket"); echo "nbdkit, export \"no-such-disk\": exit $?, size $size"'
    nbdkit -U - "$plugin" disk.raw --run 'echo "nbdkit lists: $(nbdinfo --list "nbd+unix:///?socket=$unixsocket" | grep -o "^export=.*:" | cut -d= -f2 | tr -d :)"'
    qemu-nbd -t -f raw -x disk -k "$work/qemu.sock" --fork --pid-file="$work/pid" disk.raw
    status=0
    nbdinfo --size "nbd+unix:///no-such-disk?socket=$work/qemu.sock" >/dev/null 2>&1 || status=$?
    echo "qemu-nbd -x disk, export \"no-such-disk\": exit $status"
    kill "$(cat "$work/pid")"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
nbdkit, export "no-such-disk": exit 0, size 1048576
nbdkit lists: ""
qemu-nbd -x disk, export "no-such-disk": exit 1
S
echo "as told: nbdkit serves its disk under a name that it does not list"
