#!/usr/bin/env bash
# On btrfs a file with the C attribute (no copy on write, what storage layers set on directories of disk images) cannot be
# cloned into a file without it, nor the other way round: FICLONE fails with EINVAL. cp --reflink=auto then copies every
# byte and exits 0, so a clone that took no time and no space takes both as soon as one of the two directories has the
# attribute and the other has not. Between two files of the same kind it shares.
#
# Seen with btrfs-progs 6.2-1+deb12u2, coreutils 9.1-1, e2fsprogs 1.47.0-2+b2 (Debian 12), kernel 6; needs root, for a loop
# mount in a scratch folder:
#   nocow to cow: exit 1, Invalid argument
#   cow to nocow: exit 1, Invalid argument
#   nocow to nocow: exit 0
#   nocow to cow with --reflink=auto: exit 0, shared extents 0
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
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 2; }
pinned btrfs-progs=6.2-1+deb12u2 coreutils=9.1-1 e2fsprogs=1.47.0-2+b2
truncate -s 300M image
mkfs.btrfs -q image >mkfs.log 2>&1
mkdir mounted
trap 'umount "$work/mounted" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -o loop image mounted
mkdir mounted/cow mounted/nocow
chattr +C mounted/nocow
head -c 1M /dev/urandom >mounted/cow/disk
head -c 1M /dev/urandom >mounted/nocow/disk
sync -f mounted
clone() {
    local status=0
    LC_ALL=C cp --reflink="$4" "mounted/$1/disk" "mounted/$2/$3" 2>errors || status=$?
    printf 'exit %s' "$status"
    [ ! -s errors ] || printf ', %s' "$(sed 's/.*: //' errors)"
}
{
    echo "nocow to cow: $(clone nocow cow a always)"
    echo "cow to nocow: $(clone cow nocow b always)"
    echo "nocow to nocow: $(clone nocow nocow c always)"
    rm mounted/nocow/c
    echo "nocow to cow with --reflink=auto: $(clone nocow cow d auto), shared extents $(sync -f mounted; filefrag -v mounted/cow/d | grep -c shared || true)"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
nocow to cow: exit 1, Invalid argument
cow to nocow: exit 1, Invalid argument
nocow to nocow: exit 0
nocow to cow with --reflink=auto: exit 0, shared extents 0
S
echo "as told: files of different kinds share no extent"
