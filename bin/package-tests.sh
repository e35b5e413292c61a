# The package: that it is the same when it is built again, what is in it, and what lintian says. Sourced by bin/verify, not
# run. Its life on a machine is tested by bin/verify releases.

package_passed=0
package_failed=0

# Counts a check, given as a command.
checked() {
    local what=$1
    shift
    if "$@" >"$package_scratch/said" 2>&1; then
        package_passed=$((package_passed + 1))
    else
        package_failed=$((package_failed + 1))
        say "not ok: the package: $what"
        head -n 20 "$package_scratch/said" >&2
    fi
}

holds() {
    local file
    for file in "$@"; do
        [ -e "$package_scratch/x/$file" ] || [ -L "$package_scratch/x/$file" ] || {
            echo "there is no /$file"
            return 1
        }
    done
}

has_a_page_for_every_command() {
    local command
    while read -r command; do
        holds "usr/share/man/man1/tenon-${command// /-}.1.gz" || return 1
    done < <(sed -n 's/^| `\([a-z -]*\)` |.*/\1/p' docs/COMMANDS.md)
}

# All that Tenon needs of the JDK is in the runtime: both directions of the demonstration work with it.
demonstrates() {
    (
        root=$package_scratch/x/usr/share/tenon
        export PERL5LIB=$package_scratch/x/usr/share/perl5
        "$package_scratch/x/usr/lib/tenon/runtime/bin/java" "${jvm_options[@]}" -XX:TieredStopAtLevel=1 -Dtenon.home="$root" \
            -cp "$root/lib/*" dev.tenon.cli.Tenon demo
    )
}

# What prerm asks before it lets the package go. Arguments: whether it may, the lines of storage.cfg.
may_go() {
    local wanted=$1 status=0 place=$package_scratch/in-use
    shift
    rm -rf "$place"
    mkdir -p "$place/etc" "$place/custom" "$place/adopted"
    cp "$package_scratch/x/usr/share/perl5/PVE/Storage/Custom/TenonDirPlugin.pm" "$place/custom"
    # A class that somebody wrote with tenon proxy, and one that is none.
    sed "s/return 'tenondir'/return 'mine'/" "$place/custom/TenonDirPlugin.pm" >"$place/custom/Mine.pm"
    printf 'sub type {\n    return %s;\n}\n' "'other'" >"$place/custom/Other.pm"
    printf '%s\n' "$@" >"$place/etc/storage.cfg"
    "$package_scratch/x/usr/lib/tenon/in-use" "$place/etc" "$place/custom" "$place/adopted" || status=$?
    [ "$status" = "$wanted" ]
}

may_not_go_with_an_adopted_plugin() {
    may_go 0 '' || return 1
    : >"$package_scratch/in-use/adopted/Nas.pm"
    ! "$package_scratch/x/usr/lib/tenon/in-use" "$package_scratch/in-use"/{etc,custom,adopted}
}

package_tests() {
    local turn package
    package_scratch=$(mktemp -d)
    for turn in 1 2; do
        package=$(cd "$package_scratch" && "$root/bin/package" --level 0 --output "$turn") || return 1
    done
    checked "built twice it is the same" cmp "$package_scratch"/[12]/*.deb
    # It leaves files where it works.
    checked "lintian" env TMPDIR="$package_scratch" lintian --allow-root --fail-on error,warning "$package"
    dpkg-deb -x "$package" "$package_scratch/x"
    dpkg-deb -e "$package" "$package_scratch/x/DEBIAN"
    checked "what it has to hold" holds usr/bin/tenon usr/lib/tenon/runtime/bin/java usr/lib/systemd/system/tenon.service \
        usr/lib/systemd/system/tenon.socket usr/lib/tenon/take-over usr/lib/sysusers.d/tenon.conf usr/lib/tmpfiles.d/tenon.conf etc/tenon/daemon.env \
        usr/share/bash-completion/completions/tenon usr/share/zsh/vendor-completions/_tenon usr/share/perl5/Tenon/Client.pm \
        usr/share/perl5/PVE/Storage/Custom/TenonDirPlugin.pm usr/share/tenon/perl-shim/compat/PVE/Tools.pm usr/share/man/man1/tenon.1.gz
    checked "a manual page for every command" has_a_page_for_every_command
    checked "PVE's daemons are told by a trigger" grep -qx 'activate-noawait pve-api-updates' "$package_scratch/x/DEBIAN/triggers"
    checked "and not restarted" not grep -nE 'pvedaemon|pvestatd|pveproxy' "$package_scratch"/x/DEBIAN/{postinst,prerm,postrm}
    checked "its runtime is whole" demonstrates
    checked "it may go" may_go 0 'dir: a' 'other: b' '# tenondir: c' "	tenondir: d"
    checked "it may not go with a storage of its type" may_go 1 'dir: a' 'tenondir: b'
    checked "it may not go with a storage of a proxy's type" may_go 1 'mine: b'
    checked "it may not go with an adopted plugin" may_not_go_with_an_adopted_plugin
    rm -rf "$package_scratch"
    passed=$((passed + package_passed))
    failed=$((failed + package_failed))
    [ $package_failed = 0 ]
}

not() {
    ! "$@"
}
