#!/bin/bash
# The life of the package on one machine: installed, started, upgraded, refused to be removed, removed, installed again,
# purged. Runs as root on a machine made for it, which bin/verify releases makes; needs $1/old.deb and $1/new.deb. Each line
# it prints is what was run or what was seen; the last is the count.
set -uo pipefail

packages=$1
passed=0
failed=0
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

seen() {
    local status=$1 what=$2
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        printf 'ok: %s\n' "$what"
    else
        failed=$((failed + 1))
        printf 'not ok: %s\n' "$what"
    fi
}

# Runs a command that has to succeed.
run() {
    printf '# %s\n' "$*"
    "$@" 2>&1 | sed 's/^/    /'
    seen "${PIPESTATUS[0]}" "$*"
}

# Runs a command that has to fail and to say something.
refused() {
    local saying=$1 said status=0
    shift
    printf '# %s\n' "$*"
    said=$("$@" 2>&1) || status=$?
    printf '%s\n' "$said" | sed 's/^/    /'
    [ $status != 0 ] && [[ $said == *"$saying"* ]]
    seen $? "refused: $*"
}

is() {
    local what=$1 wanted=$2 found=$3
    [ "$wanted" = "$found" ]
    seen $? "$what is '$found'${wanted:+, wanted '$wanted'}"
}

there() {
    local file
    for file in "$@"; do
        [ -e "$file" ]
        seen $? "$file is there"
    done
}

gone() {
    local file
    for file in "$@"; do
        [ ! -e "$file" ] && [ ! -L "$file" ]
        seen $? "$file is gone"
    done
}

state() {
    systemctl show -P "$2" "$1"
}

wait_for_boot() {
    local i
    for i in $(seq 100); do
        [ -S /run/systemd/private ] && systemctl is-system-running >/dev/null 2>&1 && return
        [ "$(systemctl is-system-running 2>/dev/null)" != starting ] && return
        # This script is a job of the boot itself.
        [ "$(systemctl list-jobs --no-legend 2>/dev/null | grep -vc -e package-life -e multi-user -e graphical)" = 0 ] && return
        sleep 0.1
    done
}

# An image by way of Perl, the class that the package brings, and the daemon.
call_from_perl() {
    perl -I/usr/share/tenon/perl-shim/compat -MPVE::Storage::Custom::TenonDirPlugin -e '
        my $scfg = { type => "tenondir", path => shift(@ARGV), content => { images => 1 } };
        my $class = "PVE::Storage::Custom::TenonDirPlugin";
        $class->activate_storage("fast", $scfg, {});
        print $class->alloc_image("fast", $scfg, shift(@ARGV), "raw", undef, 1024), "\n"' "$@"
}

# A package that waits for what dpkg tells those who load plugins.
make_listener() {
    mkdir -p "$packages/listener/DEBIAN"
    printf '%s\n' 'Package: listener' 'Version: 1' 'Architecture: all' 'Maintainer: none <none@tenon.invalid>' \
        'Description: waits for a trigger' >"$packages/listener/DEBIAN/control"
    echo 'interest-noawait pve-api-updates' >"$packages/listener/DEBIAN/triggers"
    printf '%s\n' '#!/bin/sh' "[ \"\$1\" != triggered ] || echo \"\$2\" >>$packages/triggered" >"$packages/listener/DEBIAN/postinst"
    chmod 755 "$packages/listener/DEBIAN/postinst"
    dpkg-deb --root-owner-group --build "$packages/listener" "$packages/listener.deb" >/dev/null
}

triggers() {
    wc -l <"$packages/triggered" 2>/dev/null || echo 0
}

install() {
    make_listener
    run dpkg -i "$packages/listener.deb"
    run dpkg -i "$packages/old.deb"
    is "the state of the package" "install ok installed" "$(dpkg-query -W -f '${Status}' tenon)"
    is "pve-api-updates triggered" 1 "$(triggers)"
    run tenon --version
    run tenon volume alloc --help
    run tenon demo
    run man -w tenon-volume-alloc
    run bash -n /usr/share/bash-completion/completions/tenon
    run perl -MTenon::Client -e 'print "$INC{q(Tenon/Client.pm)}\n"'
    run test -s /var/cache/tenon/classes/*.aot
    run dpkg --verify tenon
    there /etc/tenon/daemon.env /var/lib/tenon
    is "the mode of /run/tenon" "700 root" "$(stat -c '%a %U' /run/tenon)"
    run getent passwd tenon
}

service() {
    run systemd-analyze verify /usr/lib/systemd/system/tenon.service /usr/lib/systemd/system/tenon.socket
    is "tenon.socket" "active enabled" "$(state tenon.socket ActiveState) $(state tenon.socket UnitFileState)"
    is "tenon.service before the first call" inactive "$(state tenon.service ActiveState)"
    is "the mode of the socket" "600 root" "$(stat -c '%a %U' /run/tenon/control.sock)"
    # The first call starts the daemon.
    run call_from_perl /srv/fast 100
    is "tenon.service after it" "active running notify" \
        "$(state tenon.service ActiveState) $(state tenon.service SubState) $(state tenon.service Type)"
    there /srv/fast/images/100/vm-100-disk-0.raw
    run tenon storage add dir fast --path /srv/fast --content images
    run tenon volume list fast
    printf '# systemd-analyze security tenon.service\n'
    systemd-analyze security --no-pager tenon.service | tail -n 1
    systemctl stop tenon.service
    is "tenon.service after a stop" "inactive success" "$(state tenon.service ActiveState) $(state tenon.service Result)"
    there /run/tenon/control.sock
    gone /run/tenon/control.fds /run/tenon/sidecars
    run call_from_perl /srv/fast 100
}

plugin_by_configuration() {
    run cp /usr/share/tenon/perl-shim/examples/LegacyDirPlugin.pm /usr/share/perl5/PVE/Storage/Custom/
    echo "SERVE_OPTIONS=--plugin /usr/share/perl5/PVE/Storage/Custom/LegacyDirPlugin.pm --members 2" >/etc/tenon/daemon.env
    run systemctl restart tenon.service
    run journalctl -u tenon.service --no-pager -n 3 -g legacydir
}

upgrade() {
    local before
    before=$(state tenon.service MainPID 2>/dev/null)
    run dpkg -i "$packages/new.deb"
    is "the version" "$(dpkg-deb -f "$packages/new.deb" Version)" "$(dpkg-query -W -f '${Version}' tenon)"
    is "pve-api-updates triggered" 2 "$(triggers)"
    run grep -q members /etc/tenon/daemon.env
    is "archives of classes" 1 "$(find /var/cache/tenon/classes -name '*.aot' -size +1M | wc -l)"
    if [ -n "$has_systemd" ]; then
        is "tenon.service" active "$(state tenon.service ActiveState)"
        [ "$(state tenon.service MainPID)" != "$before" ]
        seen $? "the daemon is another process"
        run call_from_perl /srv/fast 101
    fi
    run dpkg -i "$packages/old.deb"
    [ -z "$has_systemd" ] || run call_from_perl /srv/fast 101
    run dpkg -i "$packages/new.deb"
}

removal() {
    mkdir -p /etc/pve
    printf 'tenondir: fast\n\tpath /srv/fast\n\tcontent images\n\n' >/etc/pve/storage.cfg
    refused "the storage 'fast' in /etc/pve/storage.cfg has the type 'tenondir'" dpkg -r tenon
    refused "the storage 'fast' in /etc/pve/storage.cfg has the type 'tenondir'" dpkg --purge tenon
    is "the state of the package" "installed" "$(dpkg-query -W -f '${db:Status-Status}' tenon)"
    [ -z "$has_systemd" ] || is "tenon.service" active "$(state tenon.service ActiveState)"
    # An upgrade is none.
    run dpkg -i "$packages/new.deb"
    rm -r /etc/pve

    cp /usr/share/tenon/perl-shim/examples/LegacyDirPlugin.pm /usr/share/perl5/PVE/Storage/Custom/
    run tenon adopt /usr/share/perl5/PVE/Storage/Custom/LegacyDirPlugin.pm
    refused "tenon release LegacyDirPlugin.pm" dpkg -r tenon
    run tenon release LegacyDirPlugin.pm
    run cmp /usr/share/tenon/perl-shim/examples/LegacyDirPlugin.pm /usr/share/perl5/PVE/Storage/Custom/LegacyDirPlugin.pm

    run dpkg -r tenon
    is "the state of the package" "deinstall ok config-files" "$(dpkg-query -W -f '${Status}' tenon)"
    gone /usr/bin/tenon /usr/lib/tenon /usr/share/tenon /usr/share/perl5/Tenon /var/cache/tenon /run/tenon/control.sock
    there /etc/tenon/daemon.env /etc/tenon/storage.cfg /var/lib/tenon /srv/fast/images/100/vm-100-disk-0.raw
    if [ -n "$has_systemd" ]; then
        is "tenon.service" inactive "$(state tenon.service ActiveState)"
        is "processes of the daemon" "" "$(pgrep -f dev.tenon.cli.Tenon)"
    fi
}

unprivileged() {
    local unit
    for unit in service socket; do
        mkdir -p "/etc/systemd/system/tenon.$unit.d"
        cp "/usr/share/doc/tenon/examples/unprivileged-$unit.conf" "/etc/systemd/system/tenon.$unit.d/"
    done
    run systemctl daemon-reload
    run systemctl stop tenon.socket tenon.service
    run systemctl start tenon.service
    is "the owner of the socket" "600 tenon" "$(stat -c '%a %U' /run/tenon/control.sock)"
    is "the user of the daemon" tenon "$(stat -c %U "/proc/$(state tenon.service MainPID)")"
    mkdir -p /srv/theirs && chown tenon: /srv/theirs
    run call_from_perl /srv/theirs 100
    is "the owner of the image" tenon "$(stat -c %U /srv/theirs/images/100/vm-100-disk-0.raw)"
    rm -r /etc/systemd/system/tenon.service.d /etc/systemd/system/tenon.socket.d
    run systemctl daemon-reload
    run systemctl stop tenon.socket tenon.service
}

purge() {
    run dpkg --purge tenon
    is "the state of the package" "" "$(dpkg-query -W -f '${Status}' tenon 2>/dev/null)"
    gone /etc/tenon /var/lib/tenon /var/cache/tenon /run/tenon /usr/share/doc/tenon \
        /etc/systemd/system/sockets.target.wants/tenon.socket /var/lib/systemd/deb-systemd-helper-enabled/tenon.socket.dsh-also
    there /srv/fast/images/100/vm-100-disk-0.raw
    rm -f /usr/share/perl5/PVE/Storage/Custom/LegacyDirPlugin.pm
}

has_systemd=
if [ -d /run/systemd/system ]; then
    has_systemd=1
    wait_for_boot
fi
install
if [ -n "$has_systemd" ]; then
    service
    plugin_by_configuration
else
    echo "--members 1" >/etc/tenon/daemon.env
    tenon storage add dir fast --path /srv/fast --content images >/dev/null
    tenon volume alloc fast --vmid 100 --size 1M >/dev/null
fi
upgrade
removal
run dpkg -i "$packages/new.deb"
is "the state of the package installed again" "install ok installed" "$(dpkg-query -W -f '${Status}' tenon)"
if [ -n "$has_systemd" ]; then
    is "tenon.socket" "active enabled" "$(state tenon.socket ActiveState) $(state tenon.socket UnitFileState)"
    run call_from_perl /srv/fast 102
    unprivileged
fi
purge
run dpkg -i "$packages/new.deb"
purge
echo "$passed passed, $failed failed"
