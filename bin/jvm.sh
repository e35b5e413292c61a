# How a JVM is started for Tenon's commands, from a checkout and from the package. Sourced, not run; needs root, where
# perl-shim lies, and JAVA_HOME.

jvm_options=(--enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms16m -Xmx512m -Xlog:disable -Xlog:all=warning:stderr)

# The options of the JVM for one of Tenon's commands, one a line. Most end before a better compiler would pay, and before it
# pays to compile what was called a few hundred times. What hashes all that it reads or writes needs the better one, which
# has the processor's instructions for that: it is ten times as fast.
jvm_options_of() {
    printf '%s\n' "${jvm_options[@]}"
    local argument
    case "${1:-} ${2:-}" in
        'backup cat' | 'backup copy' | 'backup create' | 'backup diff' | 'backup export' | 'backup extract') return ;;
        'backup gc' | 'backup import' | 'backup mount' | 'backup restore' | 'backup verify') return ;;
    esac
    for argument in "$@"; do
        case $argument in
            serve | --checksum) return ;;
        esac
    done
    printf '%s\n' -XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=10
}

# Prints where the archive is of the classes of a class path, whether it was made or not. Its name holds a hash of all that
# it depends on: the processor, the JDK, the options, and the jars, each with the moment in which the kernel last saw it
# change, which no copy keeps. JDK 25 does not look at the jars itself: with an archive of before an upgrade it would run
# the classes of before. Arguments: the directory of archives, the class path.
class_archive() {
    local IFS=: jars sum
    read -r -a jars <<<"$2"
    sum=$(
        {
            grep -m 3 -E '^(model name|flags|Features)' /proc/cpuinfo
            stat -L -c '%n %i %s %y %z' "$JAVA_HOME/release" "$JAVA_HOME/lib/modules" "${jars[@]}"
            jvm_options_of export
        } 2>&1 | sha256sum
    )
    printf '%s/tenon-%s.aot' "$1" "${sum:0:32}"
}

# Prints the options with which a JVM takes classes from the archive of this class path, none if there is no such archive.
# What the JVM says of one that it cannot use goes nowhere: it would go to standard output. Arguments: as class_archive,
# whose answer may be in class_archive_now.
archive_options() {
    local archive=${class_archive_now:-}
    [ -n "$archive" ] || archive=$(class_archive "$@")
    [ ! -s "$archive" ] || printf '%s\n' "-XX:AOTCache=$archive" '-Xlog:aot*=off:stderr' '-Xlog:cds*=off:stderr'
}

# Keeps the classes of a class path of jars as they are in memory after an export and the commands that people wait for: a
# command then starts in half of the time. Archives of other class paths are removed. Arguments: as class_archive.
archive_classes() {
    local archive path=$2 scratch options common words
    archive=$(class_archive "$@")
    mkdir -p "$1"
    scratch=$(mktemp -d)
    mapfile -t options < <(jvm_options_of export)
    mkdir -p "$scratch/images/100" "$scratch/legacy"
    truncate -s 1M "$scratch/images/100/vm-100-disk-0.raw"
    printf '%s: %s\n\tpath %s\n\tcontent images\n\n' dir archive "$scratch" legacydir legacy "$scratch/legacy" >"$scratch/storage.cfg"
    common=(--config "$scratch/storage.cfg" --journal "$scratch/journal" --socket "$scratch/socket" --adopted "$scratch/adopted")
    words=(volume list archive "${common[@]}" \; volume path archive:100/vm-100-disk-0.raw "${common[@]}" \;
        storage list "${common[@]}" \; storage status "${common[@]}" \; status --socket "$scratch/socket" \;
        export archive:100/vm-100-disk-0.raw "${common[@]}" --plugin "$root/perl-shim/examples/LegacyDirPlugin.pm")
    TENON_LOCK_DIR=$scratch/lock "$JAVA_HOME/bin/java" "${options[@]}" -Xlog:disable -XX:AOTCacheOutput="$scratch/archive" \
        -Dtenon.home="$root" -cp "$path" dev.tenon.cli.Rehearsal "${words[@]}" >"$scratch/exported" 2>"$scratch/log" || true
    # Without an archive everything works as well.
    if [ -f "$scratch/archive" ]; then
        mv "$scratch/archive" "$1/$$.new"
        find "$1" -name 'tenon-*.aot' -delete
        mv "$1/$$.new" "$archive"
    else
        cat "$scratch/log" >&2
        printf '%s\n' "no archive of classes was made; commands start more slowly" >&2
        # So that nobody tries again with the same jars.
        : >"$archive"
    fi
    rm -rf "$scratch"
}

# Arguments, file names and output are UTF-8 whatever the locale is. The JVM takes them in the locale's encoding, and where
# that is ASCII, as in cron or a bare ssh, every other letter would be lost.
take_utf8() {
    export LC_ALL=C.UTF-8
}

# Becomes a program that has the daemon run the command, if that is one which only reads and a daemon has a socket there:
# it answers before a JVM has started. The program starts this script again if the daemon does not do it. Arguments: the
# words of the command line.
ask_daemon() {
    local asked=${TENON_ASKED:-} socket=/run/tenon/control.sock word before= columns=
    unset TENON_ASKED
    [ -z "$asked" ] || return 0
    case "${1:-} ${2:-}" in
        'backup list' | 'status '* | 'storage list' | 'storage status') ;;
        'volume info' | 'volume list' | 'volume path' | 'volume snapshots') ;;
        *) return 0 ;;
    esac
    for word in "$@"; do
        [ "$before" != --socket ] || socket=$word
        [[ $word != --socket=* ]] || socket=${word#*=}
        before=$word
    done
    [ -S "$socket" ] || return 0
    [ ! -t 1 ] || columns=$(tput cols 2>/dev/null || echo 120)
    exec perl "$root/perl-shim/bin/tenon-ask" "$root" "$socket" "$columns" "$0" "$@"
}

# Becomes the tenon command. Arguments: the directory of archives, the class path, the words of the command line.
launch() {
    local archives=$1 path=$2 columns= error_columns= options
    shift 2
    [ ! -t 1 ] || columns=$(tput cols 2>/dev/null || echo 120)
    [ ! -t 2 ] || error_columns=$(tput cols 2>/dev/null || echo 120)
    mapfile -t options < <(jvm_options_of "$@" && archive_options "$archives" "$path")
    take_utf8
    exec "$JAVA_HOME/bin/java" "${options[@]}" -Dtenon.home="$root" -Dtenon.columns="$columns" -Dtenon.error.columns="$error_columns" -cp "$path" dev.tenon.cli.Tenon "$@"
}
