#!/usr/bin/env bash
# GNU tar 1.34 --xattrs stores the extended attributes of every namespace, file capabilities among them, and --xattrs at
# extraction brings back only those that begin with "user.": the archive of a container holds security.capability, the
# restored file has lost it, as root, with exit 0 and without a word. Only --xattrs-include='*' brings back the rest.
#
# Seen with tar 1.34+dfsg-1.2+deb12u1, libcap2-bin 1:2.66-4+deb12u3+b1, attr 1:2.5.1-4 (Debian 12); needs root:
#   in the archive: security.capability trusted.t user.u
#   --xattrs: exit 0: user.u
#   --xattrs --xattrs-include=*: exit 0: security.capability trusted.t user.u
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
pinned tar=1.34+dfsg-1.2+deb12u1 libcap2-bin=1:2.66-4+deb12u3+b1 attr=1:2.5.1-4
echo program >file
setcap cap_net_raw+ep file
setfattr -n trusted.t -v 1 file
setfattr -n user.u -v 1 file
tar --xattrs --format=posix -cf archive.tar file
names() {
    grep -aoE '(security\.capability|trusted\.t|user\.u)' | LC_ALL=C sort -u | tr '\n' ' ' | sed 's/ $//'
}
extract() {
    local status=0
    rm -rf out && mkdir out
    tar "$@" -C out -xf archive.tar 2>errors || status=$?
    [ ! -s errors ] || cat errors
    echo "$*: exit $status: $(getfattr -m - out/file | names)"
}
{
    echo "in the archive: $(names <archive.tar)"
    extract --xattrs
    extract --xattrs '--xattrs-include=*'
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
in the archive: security.capability trusted.t user.u
--xattrs: exit 0: user.u
--xattrs --xattrs-include=*: exit 0: security.capability trusted.t user.u
S
echo "as told: the capability is in the archive and not in the restored file"
