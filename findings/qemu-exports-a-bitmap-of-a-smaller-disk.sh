#!/usr/bin/env bash
# QEMU 7.2: an NBD export takes a dirty bitmap of any node, by its node and name, and never compares the sizes. One of a
# smaller disk is served for the whole export, and what it does not cover is told as clean. An incremental backup that goes
# by such a bitmap, for instance after the node was mistaken or the disk was replaced by a larger one, leaves out the rest
# without an error. The same export that is told the bitmap by its name alone looks for it in the chain and is refused.
#
# Seen with qemu-utils and qemu-system-common 1:7.2+dfsg-7+deb12u18+b3, libnbd-bin 1.14.2-1 (Debian 12); the same with
# 1:10.0.13+ds-0+deb13u1 and 1.22.2-1+b1 (Debian 13). A disk of 64 MiB, all of it written, and a bitmap of a node of 1 MiB:
#            0     1048576    1  dirty
#      1048576    66060288    0  clean
#   by its name alone: Bitmap 'changes' is not found
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
pinned qemu-utils=1:7.2+dfsg-7+deb12u18+b3 qemu-system-common=1:7.2+dfsg-7+deb12u18+b3 libnbd-bin=1.14.2-1
qemu-img create -q -f raw disk.raw 64M
qemu-io -f raw -c 'write -P 7 0 64M' disk.raw >/dev/null
qemu-img create -q -f qcow2 small.qcow2 1M
qemu-img bitmap --add small.qcow2 changes
qemu-io -f qcow2 -c 'write -P 7 0 1M' small.qcow2 >/dev/null
nodes=(--blockdev driver=file,node-name=disk,filename=disk.raw
    --blockdev driver=qcow2,node-name=small,read-only=on,file.driver=file,file.filename=small.qcow2)
refused=$(timeout 20 qemu-storage-daemon "${nodes[@]}" --nbd-server addr.type=unix,addr.path=other.sock \
    --export type=nbd,id=one,node-name=disk,name=disk,bitmaps.0=changes 2>&1 || true)
qemu-storage-daemon "${nodes[@]}" --nbd-server addr.type=unix,addr.path=nbd.sock \
    --export type=nbd,id=one,node-name=disk,name=disk,bitmaps.0.node=small,bitmaps.0.name=changes --pidfile pid &
for _ in $(seq 100); do [ ! -e pid ] || break; sleep 0.1; done
{
    nbdinfo --map=qemu:dirty-bitmap:changes 'nbd+unix:///disk?socket=nbd.sock'
    echo "by its name alone: ${refused##*: }"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
         0     1048576    1  dirty
   1048576    66060288    0  clean
by its name alone: Bitmap 'changes' is not found
S
echo "as told: a bitmap of 1 MiB is exported with a disk of 64 MiB, and the rest is told as clean"
