# Both commands and the life of the package on each Debian release, from roots that debootstrap has just made. Sourced by
# bin/verify, not run.

releases=(bookworm trixie)
mirror=${TENON_DEBIAN_MIRROR:-http://deb.debian.org/debian}

# How this machine reaches the mirror and Maven's repository: apt's settings, Maven's, and whom it trusts besides.
copy_reach() {
    local place=$1
    apt-config dump | grep '^Acquire::' | grep -v -e '^Acquire::IndexTargets' -e '^Acquire::cdrom' -e '^Acquire::Languages' \
        >"$place/etc/apt/apt.conf.d/00machine"
    if [ -d /usr/local/share/ca-certificates ]; then
        mkdir -p "$place/usr/local/share"
        cp -r /usr/local/share/ca-certificates "$place/usr/local/share/"
    fi
    if [ -f ~/.m2/settings.xml ]; then
        mkdir -p "$place/root/.m2"
        cp ~/.m2/settings.xml "$place/root/.m2/"
    fi
}

# The sources as they are, without what was built of them.
copy_sources() {
    mkdir -p "$1"
    tar -C "$root" --exclude=./.git --exclude=target -cf - . | tar -C "$1" --no-same-owner -xf -
}

# Makes a root of a release with nothing in it but what debootstrap puts there.
make_release_root() {
    local release=$1 place=$2
    debootstrap --variant=minbase "$release" "$place" "$mirror" >"$place.log" 2>&1 || {
        tail -n 5 "$place.log" >&2
        return 1
    }
    copy_reach "$place"
    rm -rf "$place"/var/lib/apt/lists/*
    copy_sources "$place/tenon"
    # Debian 12 has no JDK 25 of its own.
    if [ "$release" = bookworm ]; then
        local jdk
        jdk=$(find_jdk25) || return 1
        mkdir -p "$place/usr/lib/jvm"
        cp -a --no-preserve=ownership "$(readlink -f "$jdk")" "$place/usr/lib/jvm/jdk-25"
    fi
}

# Runs a command in a root, as root, in a poor environment: without HOME, and deaf to Ctrl-C like a job in the background.
# The root is "bare", as chroot leaves it, which is no mount point; or "mounted", as every container and machine has it:
# only below such a one can a process have mounts of its own. Every process and mount of it ends with it: both are in
# namespaces of their own.
in_release_root() {
    unshare --mount --pid --ipc --uts --fork --kill-child --propagation private bash -c '
        set -e
        place=$1
        kind=$2
        shift 2
        [ "$kind" = bare ] || mount --bind "$place" "$place"
        mount -t proc proc "$place/proc"
        mount --rbind /sys "$place/sys"
        mount --rbind /dev "$place/dev"
        trap "" INT
        cd "$place"
        if [ "$kind" = mounted ]; then
            mkdir -p before
            pivot_root . before
            cd /
            umount --lazy /before
        fi
        exec chroot . /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 "$@"' in-root "$@"
}

# Adds the counts of a closing line.
add_counts() {
    local line=$1
    [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || return 1
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

# Runs one of the two commands in a root of a kind and takes its closing line.
release_command() {
    local place=$1 kind=$2 log=$1.$3.log status=0 begun=$SECONDS
    shift 2
    in_release_root "$place" "$kind" "/tenon/bin/$1" "${@:2}" >"$log" 2>&1 || status=$?
    local last
    last=$(tail -n 1 "$log")
    say "$(basename "$place"): bin/$*: $last ($((SECONDS - begun)) s)"
    sed -n "s/^SKIPPED/SKIPPED $(basename "$place"):/p" "$log" >&2
    if ! add_counts "$last" || [ $status != 0 ]; then
        grep -e '^FAILED' -e 'ERROR.*\(FAIL\|Test\)' -e '^tenon:' -e 'not ok' "$log" | head -n 40 >&2 || true
        mkdir -p "$root/target"
        cp "$log" "$root/target/"
        say "all that it said: $root/target/$(basename "$log")"
        return 1
    fi
}

# What the package depends on, and what its life needs to be looked at.
package_needs=perl,libdata-messagepack-perl,libio-fdpass-perl,qemu-utils,systemd,systemd-sysv,dbus,man-db,procps

# The life of the package on a machine of a release, booted with systemd. Where no container can be booted, without.
package_life() {
    local release=$1 place=$releases_scratch/$1-package log=$releases_scratch/$1.package.log begun=$SECONDS last
    debootstrap --variant=minbase --include="$package_needs" "$release" "$place" "$mirror" >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        return 1
    }
    mkdir "$place/package"
    cp "$releases_scratch"/{old,new}.deb bin/package-life.sh "$place/package/"
    printf '%s\n' '[Unit]' 'Description=The life of the package' '[Service]' 'Type=oneshot' \
        'ExecStart=/bin/bash /package/package-life.sh /package' 'StandardOutput=file:/package/log' \
        'StandardError=file:/package/errors' 'ExecStopPost=/bin/systemctl --no-block poweroff' '[Install]' \
        'WantedBy=multi-user.target' >"$place/etc/systemd/system/package-life.service"
    mkdir -p "$place/etc/systemd/system/multi-user.target.wants"
    ln -s ../package-life.service "$place/etc/systemd/system/multi-user.target.wants/"
    timeout 900 systemd-nspawn --quiet --register=no --keep-unit --boot -D "$place" >"$log" 2>&1 </dev/null || true
    if [ ! -e "$place/package/log" ]; then
        say "SKIPPED $release: the package WITHOUT SYSTEMD, since systemd-nspawn could not boot: $(tail -n 1 "$log")"
        skipped=$((skipped + 1))
        in_release_root "$place" bare /bin/bash /package/package-life.sh /package >"$place/package/log" 2>"$place/package/errors" || true
    fi
    last=$(tail -n 1 "$place/package/log")
    say "$release: the life of the package: $last ($((SECONDS - begun)) s)"
    mkdir -p target
    cp "$place/package/log" "target/$release.package.log"
    say "all that was run: target/$release.package.log"
    rm -rf --one-file-system "$place"
    add_counts "$last" && [[ $last == *", 0 failed" ]] || {
        grep '^not ok' "target/$release.package.log" >&2
        return 1
    }
}

# An older version and a newer one.
build_packages() {
    local version package
    for version in 1old 2new; do
        package=$(bin/package --output "$releases_scratch/$version" --version "0.1.0~$version") || die "the package could not be built"
        mv "$package" "$releases_scratch/${version:1}.deb"
    done
    say "the package: $(stat -c %s "$releases_scratch/new.deb") bytes, installed $(dpkg-deb -f "$releases_scratch/new.deb" Installed-Size) KiB"
}

test_release() {
    local place=$releases_scratch/$1
    if ! make_release_root "$1" "$place"; then
        say "SKIPPED $1: NOT TESTED, since debootstrap could not make a root of it from $mirror"
        skipped=$((skipped + 1))
        return 0
    fi
    local status=0
    release_command "$place" bare tenon demo || status=1
    release_command "$place" mounted verify || status=1
    rm -rf --one-file-system "$place"
    package_life "$1" || status=1
    return $status
}

test_releases() {
    [ "$(id -u)" = 0 ] || die "bin/verify releases changes the root directory of its processes, so it must be started as root"
    install_packages $(missing_packages debootstrap=debootstrap systemd-nspawn=systemd-container)
    releases_scratch=$(mktemp -d "${TMPDIR:-/tmp}/tenon-releases-XXXXXXXX")
    trap 'rm -rf --one-file-system "$releases_scratch"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    build_packages
    local release
    for release in "${releases[@]}"; do
        step "$release" test_release "$release"
    done
}
