# The cluster of bin/ceph: what it is made of, and its life. Sourced, not run.

# What runs from the directory of the packages, whether the machine has it too or not: a node of PVE has some of it.
ceph_packages=(ceph-base ceph-common ceph-mgr ceph-mon ceph-osd)
# What the machine has already of what these need is not fetched.
# Of what the manager needs its modules are left out, which are in Python and need a lot of it.
ceph_manager='^(ceph-mgr|libboost-python.*|libpython3.*|libsqlite3-.*)$'
ceph_programs=(ceph ceph-authtool ceph-mgr ceph-mon ceph-osd monmaptool rados rbd)

no_ceph() {
    say "no Ceph: $*"
    exit 2
}

# Once per release of Debian; several may ask at the same time.
prepare_ceph() {
    [ "$(uname -m)" = x86_64 ] || no_ceph "this machine is $(uname -m), and the packages are fetched for x86_64"
    type -P apt-get >/dev/null || no_ceph "the packages it is made of are Debian's, and there is no apt-get here"
    local release
    release=$(. /etc/os-release && printf '%s-%s' "${ID:-none}" "${VERSION_ID:-none}")
    ceph_home=${TENON_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenon}/ceph-$release
    mkdir -p "$ceph_home" || no_ceph "$ceph_home cannot be made"
    (
        flock 9
        # A root that an older release of this script made may be without the programs that the machine has.
        { [ -e "$ceph_home/versions" ] && [ -x "$ceph_home/root/usr/bin/rbd" ]; } || unpack_ceph
    ) 9>"$ceph_home/lock" || no_ceph "its packages could not be had"
}

unpack_ceph() {
    local work=$ceph_home/new packages=() deb program interpreter
    rm -rf "$work" "$ceph_home/root" "$ceph_home/bin"
    mkdir -p "$work"/{debs,root,bin}
    if ! has_package ceph-mon && [ "$(id -u)" = 0 ]; then
        update_package_lists
    fi
    mapfile -t packages < <(
        {
            printf '%s\n' "${ceph_packages[@]}"
            would_install ceph-mon ceph-osd ceph-common
            would_install ceph-mgr | grep -E "$ceph_manager" || true
        } | sort -u
    )
    say "fetching ${#packages[@]} Debian packages for Ceph"
    (cd "$work/debs" && quietly "packages of Ceph could not be fetched" apt-get download -qq "${packages[@]}") || return 1
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root" || return 1
        printf '%s %s\n' "$(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$deb")" \
            "$(sha256sum <"$deb" | cut -d' ' -f1)" >>"$work/versions"
    done
    for program in "${ceph_programs[@]}"; do
        interpreter=
        [ "$program" != ceph ] || interpreter=python3
        cat >"$work/bin/$program" <<SCRIPT
#!/bin/sh
root=$ceph_home/root
libraries=\$root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=\$libraries:\$libraries/ceph:\$root/lib/x86_64-linux-gnu
export PYTHONPATH=\$root/usr/lib/python3/dist-packages
# The machine's Python, or the one that came along.
command -v python3 >/dev/null || export PYTHONHOME=\$root/usr PATH=\$PATH:\$root/usr/bin
exec $interpreter "\$root/usr/bin/$program" "\$@"
SCRIPT
        chmod 755 "$work/bin/$program"
    done
    mv "$work/root" "$work/bin" "$ceph_home/"
    mv "$work/versions" "$ceph_home/versions"
    rm -r "$work"
}

would_install() {
    apt-get -s -qq install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

# Two ports that nobody has now.
free_ports() {
    perl -MIO::Socket::INET -e 'my @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die } 1 .. 2;
        print join(" ", map { $_->sockport } @s), "\n"'
}

# Starts a cluster in a directory, which must be empty. Its processes end with this one if it is told so.
start_ceph() {
    try_ceph "$@" && return
    # Somebody may have taken the ports before the monitor did.
    say "the cluster did not start, and is tried once more"
    tail -n 5 "$1/log" >&2 || true
    end_ceph "$1"
    is_cluster "$1" || return 1
    find "$1" -mindepth 1 -delete && try_ceph "$@"
}

try_ceph() {
    local directory=$1 dies_with_us=$2 libraries=$ceph_home/root/usr/lib/x86_64-linux-gnu ports fsid key
    local run=(env)
    [ -z "$dies_with_us" ] || run=(setpriv --pdeathsig KILL)
    read -r -a ports < <(free_ports)
    fsid=$(cat /proc/sys/kernel/random/uuid)
    cat >"$directory/ceph.conf" <<CONFIG
[global]
fsid = $fsid
mon_host = [v2:127.0.0.1:${ports[0]}/0,v1:127.0.0.1:${ports[1]}/0]
public_addr = 127.0.0.1
auth_cluster_required = $ceph_auth
auth_service_required = $ceph_auth
auth_client_required = $ceph_auth
auth_allow_insecure_global_id_reclaim = false
run_dir = $directory/run
# One of a kind for each process, or those that run at the same time complain.
admin_socket = $directory/run/\$cluster-\$name.\$pid.\$cctid.asok
log_file =
mon_cluster_log_to_file = false
plugin_dir = $libraries/ceph
erasure_code_dir = $libraries/ceph/erasure-code
osd_class_dir = $libraries/rados-classes
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
mon_data_avail_warn = 1
# It has nobody to agree with.
paxos_propose_interval = 0.02
paxos_min_wait = 0.02

[client.admin]
keyring = $directory/admin.keyring

[mon]
log_to_stderr = false
mon_data = $directory/mon
keyring = $directory/mon.keyring

[mgr]
log_to_stderr = false
mgr_data = $directory/mgr
keyring = $directory/mgr/keyring
mgr_module_path = $directory/modules
mgr_initial_modules =

[osd]
log_to_stderr = false
osd_data = $directory/osd
keyring = $directory/osd/keyring
osd_objectstore = $ceph_store
osd_memory_target = 939524096
# More than clients need to say that they are there; tests wait until one that was killed is forgotten.
osd_client_watch_timeout = 15
bluestore_block_size = $ceph_size
bluestore_cache_size = 67108864
memstore_device_bytes = $ceph_size
CONFIG
    mkdir "$directory"/{mgr,modules,mon,osd,run} || return 1
    # What the manager itself is made of; there are no others.
    cp "$ceph_home"/root/usr/share/ceph/mgr/*.py "$directory/modules"
    # Not through the wrappers only: what is started here has no other configuration.
    export CEPH_CONF=$directory/ceph.conf
    PATH=$ceph_home/bin:$PATH
    {
        ceph-authtool --create-keyring "$directory/admin.keyring" --gen-key -n client.admin \
            --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' --cap mds 'allow *'
        ceph-authtool --create-keyring "$directory/osd/keyring" --gen-key -n osd.0 \
            --cap mon 'allow profile osd' --cap osd 'allow *'
        ceph-authtool --create-keyring "$directory/mgr/keyring" --gen-key -n mgr.a \
            --cap mon 'allow profile mgr' --cap osd 'allow *'
        ceph-authtool --create-keyring "$directory/mon.keyring" --gen-key -n mon. --cap mon 'allow *'
        ceph-authtool "$directory/mon.keyring" --import-keyring "$directory/admin.keyring"
        ceph-authtool "$directory/mon.keyring" --import-keyring "$directory/mgr/keyring"
        monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:${ports[0]},v1:127.0.0.1:${ports[1]}]" "$directory/monmap"
        ceph-mon --mkfs -i a --monmap "$directory/monmap" --keyring "$directory/mon.keyring"
    } >"$directory/log" 2>&1 || return 1
    "${run[@]}" setsid "$ceph_home/bin/ceph-mon" -i a -f </dev/null >>"$directory/log" 2>&1 &
    echo $! >"$directory/mon.pid"
    disown
    "${run[@]}" setsid "$ceph_home/bin/ceph-mgr" -i a -f </dev/null >>"$directory/log" 2>&1 &
    echo $! >"$directory/mgr.pid"
    disown
    key=$(sed -n 's/.*key = //p' "$directory/osd/keyring")
    local uuid
    uuid=$(cat /proc/sys/kernel/random/uuid)
    {
        printf '{"cephx_secret": "%s"}' "$key" | ceph --connect-timeout 60 osd new "$uuid" -i -
        ceph-osd --mkfs -i 0 --osd-uuid "$uuid"
    } >>"$directory/log" 2>&1 || return 1
    "${run[@]}" setsid "$ceph_home/bin/ceph-osd" -i 0 -f </dev/null >>"$directory/log" 2>&1 &
    echo $! >"$directory/osd.pid"
    disown
    {
        ceph --connect-timeout 60 osd pool create rbd 8
        # Waits until the pool can be written to.
        timeout 120 rbd pool init rbd
    } >>"$directory/log" 2>&1
}

# Whether a directory is that of a cluster. The configuration is the first that is written there.
is_cluster() {
    grep -qsxF "run_dir = $1/run" "$1/ceph.conf"
}

# Prints the number of a process of the cluster in a directory, if it lives.
ceph_process() {
    local directory=$1 name=$2 pid
    pid=$(cat "$directory/$name.pid" 2>/dev/null) || return 1
    # The number may be another's by now. One that has ended, and is not waited for, has no command line.
    grep -qsa "ceph-$name" "/proc/$pid/cmdline" || return 1
    printf '%s\n' "$pid"
}

# Whether a cluster has started in a directory, and its processes live.
is_ceph_up() {
    local name
    [ -e "$1/started" ] || return 1
    for name in mgr osd mon; do
        ceph_process "$1" "$name" >/dev/null || return 1
    done
}

# Ends the processes of the cluster in a directory.
end_ceph() {
    local name pid
    for name in mgr osd mon; do
        pid=$(ceph_process "$1" "$name") || continue
        kill -KILL "$pid"
        while [ -e "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do
            sleep 0.05
        done
    done
}

# Ends the cluster in a directory, which is removed; another directory is not, unless it is empty.
stop_ceph() {
    [ -e "$1" ] || return 0
    if is_cluster "$1"; then
        end_ceph "$1"
        rm -rf "$1"
    else
        rmdir "$1" || die "'$1' is not the directory of a cluster, and is left as it is"
    fi
}

ceph_environment() {
    printf 'export CEPH_CONF=%s\n' "$1/ceph.conf"
    printf 'export PATH=%s:$PATH\n' "$ceph_home/bin"
}
