#!/usr/bin/env bash
# JDK 25: Files.copy hands the work to copy_file_range. What that does with a sparse disk image depends on the file system:
# on ext4 the holes are filled with zeros on disk, so a thin image of a terabyte takes a terabyte; on btrfs (and xfs with
# reflink) nothing is copied at all, both files share their blocks, so it is no second copy when the disk goes bad, and it
# can run out of space at the first write into either.
#
# Seen with JDK 25 (any vendor's) on ext4 and btrfs of Debian 12's kernel, btrfs-progs 6.2-1+deb12u2, e2fsprogs
# 1.47.0-2+b2; needs root, for loop mounts in a scratch folder:
#   ext4: source 1 MiB on disk, copy 64 MiB
#   btrfs: source 1 MiB on disk, copy shares its extents: yes
# What helps: SEEK_DATA and SEEK_HOLE for what is there, and FICLONE where sharing is wanted.
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
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
"$java" -version 2>&1 | grep -q '"25' || { echo "needs a JDK 25 (JAVA_HOME)"; exit 2; }
pinned btrfs-progs=6.2-1+deb12u2 e2fsprogs=1.47.0-2+b2
cat >Copy.java <<'J'
import java.nio.file.Files;
import java.nio.file.Path;

public class Copy {
    public static void main(String[] args) throws Exception {
        Files.copy(Path.of(args[0]), Path.of(args[1]));
    }
}
J
mkdir ext4 btrfs
trap 'umount "$work/ext4" "$work/btrfs" 2>/dev/null || true; rm -rf "$work"' EXIT
truncate -s 400M one two
mkfs.ext4 -q one
mkfs.btrfs -q two >mkfs.log 2>&1
mount -o loop one ext4
mount -o loop two btrfs
# The JDK's own libraries, not those unpacked here.
copy() {
    truncate -s 64M "$1/source"
    head -c 1M /dev/urandom | dd of="$1/source" conv=notrunc bs=1M seek=32 status=none
    sync -f "$1"
    env -u LD_LIBRARY_PATH "$java" Copy.java "$1/source" "$1/copy"
    sync -f "$1"
}
mib() {
    echo $(($(stat -c %b "$1") / 2048))
}
copy ext4
copy btrfs
{
    echo "ext4: source $(mib ext4/source) MiB on disk, copy $(mib ext4/copy) MiB"
    shared=no
    ! filefrag -v btrfs/copy | grep -q shared || shared=yes
    echo "btrfs: source $(mib btrfs/source) MiB on disk, copy shares its extents: $shared"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
ext4: source 1 MiB on disk, copy 64 MiB
btrfs: source 1 MiB on disk, copy shares its extents: yes
S
echo "as told: filled on one file system, shared on the other"
