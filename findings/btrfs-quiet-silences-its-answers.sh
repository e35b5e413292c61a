#!/usr/bin/env bash
# btrfs-progs 6.2: the global option -q, meant to keep a command from reporting what it did, silences the commands that are
# only there to answer: "subvolume show" and "subvolume list" exit 0 and print not one byte. A program that calls all of
# btrfs with -q and takes "shows nothing" for "is the root of the file system", or an empty list for "has no subvolumes", is
# wrong about every one there is.
#
# Seen with btrfs-progs 6.2-1+deb12u2 (Debian 12); needs root, for a loop mount in a scratch folder:
#   show: exit 0, 17 lines; -q show: exit 0, 0 lines
#   list: 1 lines; -q list: exit 0, 0 lines
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
pinned btrfs-progs=6.2-1+deb12u2
truncate -s 300M image
mkfs.btrfs -q image >mkfs.log 2>&1
mkdir mounted
trap 'umount "$work/mounted" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -o loop image mounted
btrfs -q subvolume create mounted/one
lines() {
    local status=0
    "$@" >out 2>&1 || status=$?
    echo "$status $(wc -l <out)"
}
read -r status shown <<<"$(lines btrfs subvolume show mounted/one)"
read -r quiet hidden <<<"$(lines btrfs -q subvolume show mounted/one)"
read -r _ listed <<<"$(lines btrfs subvolume list mounted)"
read -r empty still <<<"$(lines btrfs -q subvolume list mounted)"
echo "show: exit $status, $shown lines; -q show: exit $quiet, $hidden lines"
echo "list: $listed lines; -q list: exit $empty, $still lines"
[ "$status $quiet $hidden $listed $empty $still" = "0 0 0 1 0 0" ] && [ "$shown" -ge 13 ] || { echo "the behaviour has changed"; exit 1; }
echo "as told: -q takes the answers away"
