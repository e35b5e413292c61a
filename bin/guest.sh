# The guest of bin/guest: what it is made of, and its life. Sourced, not run.

# What the machine has already is not among them: its own tree is the guest's.
guest_kernel=user-mode-linux
guest_tools=(busybox-static lvm2 thin-provisioning-tools)

no_guest() {
    say "no guest: $*"
    exit 2
}

# Once per release of Debian; several may ask at the same time.
prepare_guest() {
    [ "$(uname -m)" = x86_64 ] || no_guest "this machine is $(uname -m), and Linux as a program is for x86_64"
    type -P apt-get >/dev/null || no_guest "the packages it is made of are Debian's, and there is no apt-get here"
    local release
    release=$(. /etc/os-release && printf '%s-%s' "${ID:-none}" "${VERSION_ID:-none}")
    guest_home=${TENON_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenon}/guest-$release
    mkdir -p "$guest_home" || no_guest "$guest_home cannot be made"
    (
        flock 9
        [ -e "$guest_home/versions" ] || unpack_guest
    ) 9>"$guest_home/lock" || no_guest "its packages could not be had"
}

unpack_guest() {
    local work=$guest_home/work packages=() deb directory
    rm -rf "$work" "$guest_home/root"
    mkdir -p "$work/debs" "$work/root/usr"
    if ! has_package "$guest_kernel" && [ "$(id -u)" = 0 ]; then
        update_package_lists
    fi
    mapfile -t packages < <(apt-get -s -qq install --no-install-recommends "${guest_tools[@]}" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    # One that is installed has files that are the machine's.
    packages+=("$guest_kernel")
    say "fetching Debian packages for the guest: ${packages[*]}"
    (cd "$work/debs" && quietly "these Debian packages could not be fetched: ${packages[*]}" apt-get download -qq "${packages[@]}") || return 1
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root" || return 1
        printf '%s %s\n' "$(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$deb")" \
            "$(sha256sum <"$deb" | cut -d' ' -f1)" >>"$work/versions"
    done
    # The tree over which this one is laid has everything in /usr.
    for directory in bin sbin lib; do
        [ -d "$work/root/$directory" ] || continue
        cp -a "$work/root/$directory" "$work/root/usr/"
        rm -r "${work:?}/root/$directory"
    done
    mv "$work/root/usr/lib/uml/modules" "$work/root/usr/lib/"
    local busybox=$work/root/usr/bin/busybox
    [ -x "$busybox" ] || busybox=busybox
    "$busybox" depmod -b "$work/root/usr" "$(cd "$work/root/usr/lib/modules" && echo *)" || return 1
    mv "$work/root" "$guest_home/root"
    mv "$work/versions" "$guest_home/versions"
    rm -r "$work"
}

# Waits for the end of its input, which only the command holds open, so that it comes however that ends. Then ends the guest,
# which is several processes, and removes what it had.
guard_guest() {
    trap '' INT TERM HUP
    local status=0
    read -r -t "$limit" || status=$?
    [ $status -le 128 ] || touch "$guest_run/late"
    [ ! -s "$guest_run/group" ] || kill -KILL -- "-$(cat "$guest_run/group")" 2>/dev/null || true
    [ $status -le 128 ] || read -r || true
    rm -rf "$guest_run"
}

# The processors that this process may use, a line each.
guest_processors() {
    local range
    while IFS= read -r -d, range; do
        seq "${range%-*}" "${range#*-}"
    done < <(sed -n 's/^Cpus_allowed_list:\s*\(.*\)/\1,/p' "/proc/$BASHPID/status")
}

# Linux as a program, with these disks.
boot_uml() {
    local memory_place=$1 arguments=() number=97 disk
    shift
    for disk in "$@"; do
        # shellcheck disable=SC2059
        arguments+=("ubd$(printf "\\$(printf '%o' $number)")=$disk")
        number=$((number + 1))
    done
    # Each system call and page fault in the guest is a switch between processes of this machine, and a switch to another
    # processor takes several times as long.
    TMPDIR=$memory_place exec taskset -c "$(guest_processors | shuf -n 1)" \
        "$guest_home/root/usr/bin/linux.uml" "mem=$memory" quiet root=/dev/root rootfstype=hostfs rootflags=/ ro \
        "init=$root/bin/guest-init" "guest_root=$root" "guest_home=$guest_home" "guest_run=$guest_run" "uml_dir=$guest_run/" umid=guest \
        guest_modules=loop,dm-mod,dm-thin-pool,dm-snapshot \
        con=null con0=null,fd:1 ssl=null ssl0=null,fd:3 ssl1=null,fd:4 ${arguments[@]+"${arguments[@]}"}
}

# Runs a command in the guest, as the settings of bin/guest say; exits as that does.
run_guest() {
    local memory_place=/dev/shm arguments=() number=0 size status
    guest_run=$(mktemp -d "${TMPDIR:-/tmp}/tenon-guest-XXXXXX")
    exec {guard}> >(guard_guest)
    guard_pid=$!
    reader=
    trap '[ -z "$reader" ] || kill "$reader" 2>/dev/null || true; exec {guard}>&-; wait $guard_pid' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # Its memory is a file, which is full of code.
    if ! [ -w "$memory_place" ] || findmnt -no OPTIONS -T "$memory_place" | grep -q noexec ||
        [ "$(df --output=avail -B1M "$memory_place" | tail -n 1)" -lt "${memory%M}" ]; then
        memory_place=$guest_run
    fi
    for size in ${disks[@]+"${disks[@]}"}; do
        truncate -s "$size" "$guest_run/disk$number"
        arguments+=("$guest_run/disk$number")
        number=$((number + 1))
    done
    mkdir "$guest_run/said"
    printf '%s\0' "$@" >"$guest_run/command"
    printf '%s' "$PWD" >"$guest_run/directory"
    printf '%s' "$share" >"$guest_run/share"
    env -0 >"$guest_run/environment"
    exec 3>&1 4>&2
    set -m
    "$boot_guest" "$memory_place" ${arguments[@]+"${arguments[@]}"} \
        </dev/null >"${log:-$guest_run/log}" 2>&1 {guard}>&- &
    local group=$!
    set +m
    printf '%s' $group >"$guest_run/group"
    exec 3>&- 4>&-
    if [ -n "$tied" ]; then
        {
            read -r || kill -TERM $$
        } <&0 {guard}>&- &
        reader=$!
    fi
    wait $group 2>/dev/null || true
    if [ -e "$guest_run/late" ]; then
        say "the guest was killed after $limit seconds"
        exit 124
    fi
    if ! [ -s "$guest_run/said/status" ]; then
        tail -n 40 "${log:-$guest_run/log}" >&2
        say "the guest ended before its command"
        exit 125
    fi
    status=$(cat "$guest_run/said/status")
    exit "$status"
}
