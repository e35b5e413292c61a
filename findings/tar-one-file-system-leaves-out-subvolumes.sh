#!/usr/bin/env bash
# A btrfs subvolume inside a directory has a device number of its own and is no mount point: findmnt and mountpoint know
# nothing of it. GNU tar 1.34 with --one-file-system, as vzdump calls it for containers, and rsync -x take it for another
# file system: they keep an empty directory, leave out what is in it, and exit 0 without a word. (systemd makes such
# subvolumes by itself in a container on btrfs: /var/lib/machines, /var/lib/portables.)
#
# Seen with btrfs-progs 6.2-1+deb12u2, tar 1.34+dfsg-1.2+deb12u1 (Debian 12); needs root, for a loop mount in a scratch folder:
#   mountpoint: not a mountpoint
#   tar exit 0: ct/ ct/file ct/nested/
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
pinned btrfs-progs=6.2-1+deb12u2 tar=1.34+dfsg-1.2+deb12u1
truncate -s 300M image
mkfs.btrfs -q image >mkfs.log 2>&1
mkdir mounted
trap 'umount "$work/mounted" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -o loop image mounted
btrfs -q subvolume create mounted/ct
btrfs -q subvolume create mounted/ct/nested
echo kept >mounted/ct/file
echo lost >mounted/ct/nested/file
{
    if mountpoint -q mounted/ct/nested; then echo "mountpoint: a mountpoint"; else echo "mountpoint: not a mountpoint"; fi
    status=0
    tar --one-file-system -C mounted -cf archive.tar ct 2>errors || status=$?
    [ ! -s errors ] || cat errors
    echo "tar exit $status: $(tar -tf archive.tar | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
mountpoint: not a mountpoint
tar exit 0: ct/ ct/file ct/nested/
S
echo "as told: the file in the nested subvolume is not in the archive"
