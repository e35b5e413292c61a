#!/usr/bin/env bash
# QEMU 7.2 probes a VMDK descriptor by its first line that is no comment. Lines of blanks before it are passed over, an empty
# line is not: the same descriptor is a vmdk after "  " and raw after "", where it becomes a disk of the descriptor's own few
# hundred bytes. Told -f vmdk it opens both. Descriptors that start with an empty line come out of hand-edited OVF exports.
#
# Seen with qemu-utils 1:7.2+dfsg-7+deb12u18+b3 (Debian 12):
#   as made: vmdk; after a line of blanks: vmdk; after an empty line: raw; after an empty line with -f vmdk: vmdk
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
qemu-img create -q -f vmdk -o subformat=monolithicFlat disk.vmdk 8M
(echo '  '; cat disk.vmdk) >blanks.vmdk
(echo; cat disk.vmdk) >empty.vmdk
format() {
    qemu-img info "$@" | sed -n 's/^file format: //p' | head -n 1
}
seen="as made: $(format disk.vmdk); after a line of blanks: $(format blanks.vmdk); after an empty line: $(format empty.vmdk); after an empty line with -f vmdk: $(format -f vmdk empty.vmdk)"
echo "$seen"
[ "$seen" = "as made: vmdk; after a line of blanks: vmdk; after an empty line: raw; after an empty line with -f vmdk: vmdk" ] || { echo "the behaviour has changed"; exit 1; }
echo "as told: an empty line hides the format"
