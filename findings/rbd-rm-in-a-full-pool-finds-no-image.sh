#!/usr/bin/env bash
# Ceph 16.2.15: rbd rm of an image whose pool is full exits 2 with "rbd: delete error: (2) No such file or directory", to the
# letter what it says of an image that is not there. A program that takes this for "was removed before", as one does that may
# repeat a removal, forgets an image that is whole, listed, and keeps the pool full. It is begun by a write into the trash, which
# has no room. That the reason is "(28) No space left on device" stands in the client's log alone: on standard error, unless the
# configuration has sent that elsewhere.
# What helps: to look for the image after a removal that found none.
#
# Seen with ceph-mon, ceph-osd and ceph-common 16.2.15+ds-0+deb12u2 (Debian 12), one monitor and one store in memory:
#   no such image:  exit 2, told of space: no
#   in a full pool: exit 2, told of space: yes
#   still listed:   disk
#   with room:      exit 0
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
    rm -f ./*.deb
    PATH=$work/root/usr/bin:$work/root/bin:$work/root/sbin:$work/root/usr/sbin:$PATH
    libraries=$work/root/usr/lib/x86_64-linux-gnu
    export LD_LIBRARY_PATH=$libraries:$libraries/ceph:$work/root/lib/x86_64-linux-gnu PYTHONPATH=$work/root/usr/lib/python3/dist-packages PYTHONWARNINGS=ignore
}
pinned ceph-mon=16.2.15+ds-0+deb12u2 ceph-osd=16.2.15+ds-0+deb12u2 ceph-common=16.2.15+ds-0+deb12u2

read -r port other < <(perl -MIO::Socket::INET -e 'my @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die } 1 .. 2;
    print join(" ", map { $_->sockport } @s), "\n"')
fsid=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF=$work/ceph.conf
cat >ceph.conf <<C
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:$port/0,v1:127.0.0.1:$other/0]
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $work
admin_socket = $work/\$name.\$pid.\$cctid.asok
log_file =
mon_cluster_log_to_file = false
mon_data = $work/mon
mon_data_avail_crit = 1
mon_data_avail_warn = 1
osd_data = $work/osd
osd_objectstore = memstore
memstore_device_bytes = 1G
plugin_dir = $libraries/ceph
erasure_code_dir = $libraries/ceph/erasure-code
osd_class_dir = $libraries/rados-classes
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true

[mon]
log_to_stderr = false

[osd]
log_to_stderr = false
C
mkdir mon osd
{
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$port,v1:127.0.0.1:$other]" monmap
    ceph-mon --mkfs -i a --monmap monmap
} >log 2>&1
ceph-mon -i a -f >>log 2>&1 &
ceph() { python3 "$work/root/usr/bin/ceph" --connect-timeout 60 "$@"; }
{
    uuid=$(cat /proc/sys/kernel/random/uuid)
    ceph osd new "$uuid"
    ceph-osd --mkfs -i 0 --osd-uuid "$uuid"
} >>log 2>&1
ceph-osd -i 0 -f >>log 2>&1 &
ceph osd pool create rbd 8 >>log 2>&1
timeout 120 rbd pool init rbd
rbd create --size 8 disk

# full: yes or no
until_pool_is() {
    for _ in $(seq 300); do
        if ceph osd pool ls detail | grep -qw full; then is=yes; else is=no; fi
        [ "$is" != "$1" ] || return 0
        sleep 0.2
    done
    echo "the pool did not become: full $1"
    exit 1
}

# exit status and whether the words tell why
removed() {
    local status=0 words
    words=$(timeout 60 rbd rm --no-progress "$1" 2>&1) || status=$?
    if grep -q 'No space left on device' <<<"$words"; then why=yes; else why=no; fi
    echo "exit $status, told of space: $why"
}

missing=$(removed other)
for ratio in nearfull=0.000001 backfillfull=0.000002 full=0.000003; do ceph osd "set-${ratio%=*}-ratio" "${ratio#*=}" >>log 2>&1; done
until_pool_is yes
full=$(removed disk)
listed=$(rbd ls)
for ratio in full=0.95 backfillfull=0.9 nearfull=0.85; do ceph osd "set-${ratio%=*}-ratio" "${ratio#*=}" >>log 2>&1; done
until_pool_is no
roomy=$(removed disk)
{
    echo "no such image:  $missing"
    echo "in a full pool: $full"
    echo "still listed:   $listed"
    echo "with room:      ${roomy%%,*}"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
no such image:  exit 2, told of space: no
in a full pool: exit 2, told of space: yes
still listed:   disk
with room:      exit 0
S
echo "as told: in a full pool rbd rm fails with the number of an image that is not there"
