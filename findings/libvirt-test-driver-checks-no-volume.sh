#!/usr/bin/env bash
# libvirt's test driver (test:///default), at hand everywhere to try pool and volume XML, checks less than any real storage:
# a pool of Ceph RBD, whose XML rightly has no target, gives its volumes the type file and the path "(null)/NAME", and takes
# the format qcow2, which the rbd backend refuses. The volume's XML, read back, is valid and belongs to no storage there is.
# That XML passed here says that it can be parsed, no more.
#
# Seen with libvirt-clients and libvirt0 9.0.0-4+deb12u2 (Debian 12):
#   rbd volume: type file, path (null)/vm-100-disk-0, format qcow2
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
pinned libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2
export HOME=$work
cat >pool.xml <<'X'
<pool type='rbd'><name>ceph</name><source><name>rbd</name><host name='192.0.2.1'/></source></pool>
X
cat >commands <<X
pool-define $work/pool.xml
pool-start ceph
vol-create-as ceph vm-100-disk-0 10485760 --format qcow2
vol-dumpxml vm-100-disk-0 ceph
X
virsh -q -c test:///default <commands >out 2>&1 || { cat out; exit 1; }
first() {
    grep -oE "$1" out | head -n 1 | sed -E "$2"
}
{
    echo "rbd volume: type $(first "<volume type='[a-z]*'" "s/.*'(.*)'/\1/"), path $(first '<path>[^<]*' 's/.*>//'), format $(first "<format type='[a-z0-9]*'" "s/.*'(.*)'/\1/")"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; cat out; exit 1; }
rbd volume: type file, path (null)/vm-100-disk-0, format qcow2
S
echo "as told: the test driver takes it all"
