# The programs of bin/peers: what they are made of. Sourced, not run.

peers_packages=(qemu-utils qemu-system-common libnbd-bin nbdkit)
peers_programs=(qemu-img qemu-io qemu-nbd qemu-storage-daemon nbdcopy nbdinfo nbdfuse nbdkit)

no_peers() {
    say "no peers: $*"
    exit 2
}

# Once per release; several may ask at the same time.
prepare_peers() {
    local release=$1
    [ "$(uname -m)" = x86_64 ] || no_peers "this machine is $(uname -m), and the programs are fetched for x86_64"
    type -P apt-get >/dev/null || no_peers "the packages are Debian's, and there is no apt-get here"
    [[ $release =~ ^[a-z]+$ ]] || die "'$release' is no name of a Debian release"
    peers_home=${TENON_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tenon}/peers-$release
    mkdir -p "$peers_home" || no_peers "$peers_home cannot be made"
    (
        flock 9
        [ -e "$peers_home/versions" ] || unpack_peers "$release"
    ) 9>"$peers_home/lock" || no_peers "the packages of Debian $release could not be had"
}

unpack_peers() {
    local release=$1 work=$peers_home/new packages=() deb program
    local mirror=${TENON_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    rm -rf "$work" "$peers_home/root" "$peers_home/bin"
    mkdir -p "$work"/{debs,root/usr,bin} "$work"/apt/{state/lists/partial,cache/archives/partial,empty}
    : >"$work/apt/status"
    printf 'deb [arch=amd64 signed-by=%s] %s %s main\n' "$keys" "$mirror" "$release" >"$work/apt/sources.list"
    # Of this machine's settings, how the mirror is reached; of its packages, none.
    local apt=(-o "Dir::Etc::sourcelist=$work/apt/sources.list" -o "Dir::Etc::sourceparts=$work/apt/empty"
        -o "Dir::Etc::preferences=/dev/null" -o "Dir::Etc::preferencesparts=$work/apt/empty" -o "APT::Architecture=amd64"
        -o "APT::Architectures=amd64" -o "Dir::State=$work/apt/state" -o "Dir::State::status=$work/apt/status"
        -o "Dir::Cache=$work/apt/cache" -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Languages=none")
    (quietly "the package lists of Debian $release could not be fetched from $mirror" \
        apt-get "${apt[@]}" update -qq --error-on=any) || return 1
    mapfile -t packages < <(apt-get "${apt[@]}" -s -qq install --no-install-recommends "${peers_packages[@]}" |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    [ ${#packages[@]} -gt 0 ] || return 1
    say "fetching ${#packages[@]} packages of Debian $release"
    (cd "$work/debs" && quietly "packages of Debian $release could not be fetched" \
        apt-get "${apt[@]}" download -qq "${packages[@]}") || return 1
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root" || return 1
        printf '%s %s\n' "$(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$deb")" \
            "$(sha256sum <"$deb" | cut -d' ' -f1)" >>"$work/versions"
    done
    for program in "${peers_programs[@]}"; do
        peer_program "$program" >"$work/bin/$program" || return 1
        chmod 755 "$work/bin/$program"
    done
    mv "$work/root" "$work/bin" "$peers_home/"
    mv "$work/versions" "$peers_home/versions"
    rm -r "$work"
}

# Prints the script that runs a program with its own loader and libraries; nbdkit looks for its plugins where it was built
# for, so they are named by their paths.
peer_program() {
    local program=$1
    cat <<SCRIPT
#!/bin/bash
root=$peers_home/root
libraries=\$root/usr/lib/x86_64-linux-gnu
arguments=("\$@")
SCRIPT
    [ "$program" != nbdkit ] || cat <<'SCRIPT'
plugin=
for i in "${!arguments[@]}"; do
    word=${arguments[i]}
    case $word in
        --filter=*) [ ! -e "$libraries/nbdkit/filters/nbdkit-${word#*=}-filter.so" ] ||
            arguments[i]=--filter=$libraries/nbdkit/filters/nbdkit-${word#*=}-filter.so ;;
        -* | */* | *=*) ;;
        *) if [ -z "$plugin" ] && [ -e "$libraries/nbdkit/plugins/nbdkit-$word-plugin.so" ]; then
            plugin=$word
            arguments[i]=$libraries/nbdkit/plugins/nbdkit-$word-plugin.so
        fi ;;
    esac
done
SCRIPT
    cat <<SCRIPT
export QEMU_MODULE_DIR=\$libraries/qemu
exec -a $program "\$libraries/ld-linux-x86-64.so.2" --argv0 $program \\
    --library-path "\$libraries:\$libraries/ceph" "\$root/usr/$(peer_place "$program")/$program" "\${arguments[@]}"
SCRIPT
}

peer_place() {
    local place
    for place in bin sbin; do
        [ ! -e "$peers_home/new/root/usr/$place/$1" ] || {
            printf '%s' "$place"
            return 0
        }
    done
    say "the packages have no program $1"
    return 1
}
