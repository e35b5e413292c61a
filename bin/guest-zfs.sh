# The guest of bin/guest --zfs: a kernel of Debian in QEMU, and ZFS built for it. Sourced after bin/guest.sh, not run.

# What is taken of the packages that ZFS and its kernel need; the rest is the machine's, or nobody's.
zfs_packages='^(linux-image-[0-9].*|linux-headers-[0-9].*|linux-kbuild-.*|zfs-dkms|zfsutils-linux|lib(zfs|zpool|nvpair|uutil)[0-9].*|busybox-static|virtiofsd)$'
zfs_modules=(spl znvpair zavl zunicode zcommon zlua zzstd icp zfs)
# What the kernel needs before it sees the machine's files.
first_modules=(virtio_pci virtio_blk virtio_console virtiofs)

# Once per release of Debian; several may ask at the same time.
prepare_zfs_guest() {
    local program
    [ "$(uname -m)" = x86_64 ] || no_guest "this machine is $(uname -m), and the kernel is fetched for x86_64"
    [ "$(id -u)" = 0 ] || no_guest "the files of the machine are shared with a guest in QEMU by root alone"
    for program in apt-get qemu-system-x86_64 gcc make; do
        type -P "$program" >/dev/null || no_guest "ZFS needs $program"
    done
    guest_home=${TENON_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenon}/guest-zfs-$(
        . /etc/os-release && printf '%s-%s' "${ID:-none}" "${VERSION_ID:-none}"
    )
    mkdir -p "$guest_home" || no_guest "$guest_home cannot be made"
    (
        flock 9
        [ -e "$guest_home/versions" ] || make_zfs_guest
    ) 9>"$guest_home/lock" || no_guest "ZFS or its kernel could not be had"
}

make_zfs_guest() {
    local work=$guest_home/work packages=() deb release directory
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror=${TENON_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    rm -rf "$work" "$guest_home/root" "$guest_home/boot"
    mkdir -p "$work"/{debs,root/usr,boot,lists/partial}
    # ZFS is in contrib, which few machines ask for.
    printf 'deb [signed-by=%s] %s main contrib\n' "$keys" "$mirror $release" \
        "$keys" "$mirror-security $release-security" >"$work/sources.list"
    local apt=(-o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=-" -o "Dir::State::lists=$work/lists"
        -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Languages=none")
    (quietly "the package lists of Debian $release could not be fetched" apt-get "${apt[@]}" update -qq --error-on=any) || return 1
    local wanted=(linux-image-cloud-amd64 linux-headers-cloud-amd64 zfsutils-linux zfs-dkms busybox-static)
    # Debian 12 has it in qemu-system-common.
    [ -x /usr/lib/qemu/virtiofsd ] || wanted+=(virtiofsd)
    mapfile -t packages < <(apt-get "${apt[@]}" -s -qq install --no-install-recommends "${wanted[@]}" |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -E "$zfs_packages")
    [ ${#packages[@]} -gt 0 ] || return 1
    say "fetching Debian packages for the guest: ${packages[*]}"
    (cd "$work/debs" && quietly "these Debian packages could not be fetched: ${packages[*]}" \
        apt-get "${apt[@]}" download -qq "${packages[@]}") || return 1
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root" || return 1
        printf '%s %s\n' "$(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$deb")" \
            "$(sha256sum <"$deb" | cut -d' ' -f1)" >>"$work/versions"
    done
    say "building ZFS for the guest's kernel, once: some minutes"
    (build_zfs "$work/root") >"$guest_home/build.log" 2>&1 || {
        tail -n 20 "$guest_home/build.log" >&2
        say "ZFS could not be built; $guest_home/build.log says more"
        return 1
    }
    finish_zfs_guest "$work"
}

build_zfs() {
    local tree=$1 common cloud link module
    common=$(echo "$tree"/usr/src/linux-headers-*-common)
    cloud=$(echo "$tree"/usr/src/linux-headers-*-cloud-amd64)
    # They name each other by where they would be installed.
    sed -i "s|/usr/src/|$tree/usr/src/|g; s|/usr/lib/linux-kbuild|$tree/usr/lib/linux-kbuild|g" \
        "$cloud/Makefile" "$cloud/.kernelvariables" "$common/Makefile" || return 1
    for link in "$cloud"/{scripts,tools} "$common"/{scripts,tools}; do
        [ ! -L "$link" ] || ln -sfn "$(echo "$tree"/usr/lib/linux-kbuild-*)/${link##*/}" "$link" || return 1
    done
    cd "$tree"/usr/src/zfs-[0-9]* || return 1
    ./configure --with-config=kernel --with-linux="$common" --with-linux-obj="$cloud" || return 1
    make -j"$(nproc)" || return 1
    mkdir "$tree/lib/modules/${cloud##*/linux-headers-}/extra"
    for module in "${zfs_modules[@]}"; do
        strip -g -o "$tree/lib/modules/${cloud##*/linux-headers-}/extra/$module.ko" \
            "$(find module -name "$module.ko" | head -n 1)" || return 1
    done
}

finish_zfs_guest() {
    local work=$1 tree=$1/root directory busybox version modules
    mv "$tree"/boot/vmlinuz-* "$work/boot/kernel"
    # The tree over which this one is laid has everything in /usr.
    for directory in bin sbin lib; do
        [ -d "$tree/$directory" ] || continue
        cp -a "$tree/$directory" "$tree/usr/"
        rm -r "${tree:?}/$directory"
    done
    rm -rf "$tree"/boot "$tree"/usr/src "$tree"/usr/lib/linux-kbuild-*
    busybox=$tree/usr/bin/busybox
    [ -x "$busybox" ] || busybox=$(type -P busybox) || return 1
    find "$tree/usr/lib/modules" -name '*.ko.xz' -exec xz -d {} + || return 1
    version=$(cd "$tree/usr/lib/modules" && echo *)
    modules=$tree/usr/lib/modules/$version
    "$busybox" depmod -b "$tree/usr" "$version" || return 1
    first_files "$work/first" "$modules" "$busybox" || return 1
    (cd "$work/first" && find . | "$busybox" cpio -o -H newc) >"$work/boot/files" 2>/dev/null || return 1
    # The guest holds the tree in its memory.
    rm -rf "$tree"/usr/share/{bash-completion,bug,doc,lintian,man}
    (cd "$modules" && modules_for "$modules" overlay loop zfs | sed 's|^|./|' |
        grep -vxFf - <(find . -name '*.ko') | xargs rm) || return 1
    "$busybox" depmod -b "$tree/usr" "$version" || return 1
    mv "$tree" "$work/boot" "$guest_home/"
    mv "$work/versions" "$guest_home/versions"
    rm -r "$work"
}

# Prints the files of these modules and of those that they need, in the order in which they are loaded.
modules_for() {
    local modules=$1
    shift
    awk -v wanted="$*" -F: '
        function name(path) { sub(".*/", "", path); sub("[.]ko$", "", path); gsub("-", "_", path); return path }
        function load(module, parts, count, i) {
            if (module in loaded || !(module in paths)) return
            loaded[module] = 1
            count = split(needs[module], parts, " ")
            for (i = count; i > 0; i--) load(name(parts[i]))
            print paths[module]
        }
        { paths[name($1)] = $1; needs[name($1)] = $2 }
        END { count = split(wanted, parts, " "); for (i = 1; i <= count; i++) load(parts[i]) }' "$modules/modules.dep"
}

# What the kernel has before it has the machine's files: its first process, and modules in the order in which they are loaded.
first_files() {
    local directory=$1 modules=$2 busybox=$3 module
    mkdir -p "$directory"/{bin,dev,proc,sys,modules,machine}
    cp "$busybox" "$directory/bin/busybox"
    while read -r module; do
        cp "$modules/$module" "$directory/modules/"
        echo "${module##*/}" >>"$directory/modules/order"
    done < <(modules_for "$modules" "${first_modules[@]}")
    cat >"$directory/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
while read -r module; do /bin/busybox insmod "/modules/$module"; done </modules/order
/bin/busybox mount -t virtiofs machine /machine || /bin/busybox poweroff -f
# What writes is given directories of its own.
/bin/busybox mount -o remount,bind,ro /machine
/bin/busybox umount /proc
/bin/busybox mount -t devtmpfs dev /machine/dev
cd /machine
/bin/busybox mount --move . /
exec /bin/busybox chroot . /bin/bash "$guest_root/bin/guest-init"
INIT
    chmod 755 "$directory/init"
}

# QEMU with these disks; its files are the machine's, by a daemon that ends with it.
boot_zfs_guest() {
    local memory_place=$1 files=(/usr/lib/qemu/virtiofsd -o source=/ -o cache=always -o sandbox=chroot) disks=() disk
    shift
    if [ -x "$guest_home/root/usr/libexec/virtiofsd" ]; then
        files=("$guest_home/root/usr/libexec/virtiofsd" --shared-dir / --cache always --sandbox chroot)
    fi
    for disk in "$@"; do
        disks+=(-drive "file=$disk,format=raw,if=virtio,discard=unmap,cache=unsafe")
    done
    # QEMU wants what can only be written to.
    [ ! -t 3 ] || exec 3>/dev/fd/3
    [ ! -t 4 ] || exec 4>/dev/fd/4
    "${files[@]}" --socket-path="$guest_run/files" &
    while ! [ -S "$guest_run/files" ]; do
        kill -0 $! || return 1
        sleep 0.02
    done
    # Without a reliable clock and files that do not change the guest takes ten times as long.
    exec qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot \
        -accel tcg,thread=multi,tb-size=256 -cpu max,la57=off,pku=off,smap=off,smep=off -smp 1 -m "$memory" \
        -object "memory-backend-file,id=memory,size=$memory,mem-path=$memory_place,share=on" -numa node,memdev=memory \
        -chardev "socket,id=files,path=$guest_run/files" -device vhost-user-fs-pci,chardev=files,tag=machine,queue-size=1024 \
        -device virtio-serial-pci -add-fd fd=3,set=3 -add-fd fd=4,set=4 \
        -chardev file,id=output,path=/dev/fdset/3,append=on -device virtserialport,chardev=output,nr=1 \
        -chardev file,id=errors,path=/dev/fdset/4,append=on -device virtserialport,chardev=errors,nr=2 \
        ${disks[@]+"${disks[@]}"} -kernel "$guest_home/boot/kernel" -initrd "$guest_home/boot/files" -serial stdio -monitor none \
        -append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on \
guest_files=virtiofs guest_modules=loop,zfs guest_root=$root guest_home=$guest_home guest_run=$guest_run"
}
