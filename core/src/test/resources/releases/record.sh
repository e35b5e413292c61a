#!/bin/bash
# Records what the tools of this Debian release say, into a new directory. Run as root on each release, once; LVM's package is
# lvm2, and the kernel need not have the device mapper:
#     core/src/test/resources/releases/record.sh core/src/test/resources/releases/trixie
# The tests of the parsers read the records of both releases, whichever they run on.
set -euo pipefail
export LC_ALL=C
into=$(mkdir "$1" && cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'losetup -d ${loop:-} 2>/dev/null || true; umount "$scratch"/mnt 2>/dev/null || true; umount "$scratch"/mnt 2>/dev/null || true; rm -rf "$scratch"' EXIT
cd "$scratch"

# What the record shall not hold: where it was made, and when.
plain() {
    sed -e "s|$scratch|/srv|g" -e "s|${loop:-/none}|/dev/loop|g" -e '/No device-mapper interaction will be attempted/d' -e 's/[0-9a-f]\{8\}-[0-9a-f-]\{27\}/UUID/g' -e 's/\(Creation time:\s*\).*/\1TIME/' -e 's/20[0-9-]* [0-9:]\{8\}/TIME/'
}

record() {
    local name=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    plain <out >"$into/$name"
    [ ! -s err ] || plain <err >"$into/$name.errors"
    [ $status = 0 ] || printf '%s\n' "$status" >"$into/$name.status"
}

qemu-img create -q -f qcow2 image.qcow2 8M
qemu-io -f qcow2 -c 'write -P 7 64k 128k' image.qcow2 >/dev/null
qemu-img snapshot -c before image.qcow2
record qcow2.info qemu-img info -f qcow2 image.qcow2
record qcow2.json qemu-img info -f qcow2 --output=json image.qcow2
record qcow2.map qemu-img map -f qcow2 image.qcow2
qemu-img convert -c -O qcow2 image.qcow2 compressed.qcow2
record compressed.map qemu-img map -f qcow2 compressed.qcow2
qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 8M
record flat.info qemu-img info -f vmdk flat.vmdk
record flat.json qemu-img info -f vmdk --output=json flat.vmdk

mkdir mnt
truncate -s 128M btrfs
mkfs.btrfs -q btrfs >/dev/null
mount -o loop btrfs mnt
btrfs subvolume create mnt/outer >/dev/null
btrfs subvolume create mnt/outer/inner >/dev/null
record subvolume.list btrfs subvolume list -o mnt/outer
record subvolume.show btrfs subvolume show mnt/outer
record subvolume.exists btrfs -q subvolume create mnt/outer
rm -f "$into/subvolume.exists"
device=$(findmnt -n -o SOURCE mnt)
record mount.twice mount "$device" mnt
rm -f "$into/mount.twice"
grep -c " $scratch/mnt " /proc/self/mounts >"$into/mount.count"
umount mnt
if umount mnt 2>/dev/null; then :; fi

truncate -s 64M lvm
loop=$(losetup -f --show lvm)
mkdir lvm.system
export LVM_SYSTEM_DIR=$scratch/lvm.system DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1
printf 'devices { filter = [ "a|^%s$|", "r|.*|" ] }\nactivation { udev_sync = 0 udev_rules = 0 monitoring = 0 }\nglobal { locking_dir = "%s" }\n' \
    "$loop" "$scratch/lvm.lock" >lvm.system/lvm.conf
lvm() {
    local program=$1
    shift
    command "$program" --driverloaded n "$@"
}
lvm vgcreate recorded "$loop" >/dev/null 2>&1
lvm lvcreate -an -n vm-100-disk-0 -L 8M -Zn -Wn --addtag pve-vm-100 recorded >/dev/null 2>&1
# As core's Lvm asks.
settings='report/time_format="%s" log/report_command_log=0'
record lvs.json lvm lvs --reportformat json --units b --nosuffix --config "$settings" \
    --options vg_name,lv_name,lv_size,lv_attr,pool_lv,data_percent,metadata_percent,lv_tags,lv_metadata_size recorded
record lvs.missing lvm lvs --reportformat json missing
record lvs.missing.set lvm lvs --reportformat json --config "$settings" missing
record lvextend.same lvm lvextend -L 8M recorded/vm-100-disk-0
record lvremove.missing lvm lvremove -f recorded/vm-100-disk-9
find "$into" -name '*.errors' -empty -delete
