# What the commands share: the JDK, the packages, the build. Sourced, not run.

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
class_archives=$root/cli/target/aot
. "$root/bin/jvm.sh"

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "tenon: $*"
    exit 1
}

is_jdk25() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] && [[ $'\n'$(<"$1/release") =~ $'\n''JAVA_VERSION="25'[.\"] ]]
}

# The default java of Debian 12 is 17, so a JDK 25 is looked for where packages and people put them.
find_jdk25() {
    local candidate
    for candidate in "${TENON_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/*jdk* /opt/java/* "${HOME:-/root}"/.sdkman/candidates/java/* "${HOME:-/root}"/.jdks/*; do
        if [ -n "$candidate" ] && is_jdk25 "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the Debian packages that are missing. Arguments: "what the check is" pairs of command or Perl module and package.
missing_packages() {
    local pair modules=() packages=()
    for pair in "$@"; do
        case ${pair%%=*} in
            *::*) modules+=("$pair") ;;
            *) type -P "${pair%%=*}" >/dev/null || packages+=("${pair#*=}") ;;
        esac
    done
    if [ ${#modules[@]} -gt 0 ] && type -P perl >/dev/null; then
        mapfile -t -O ${#packages[@]} packages < <(
            perl -e 'for (@ARGV) { my ($module, $package) = split(m/=/); print "$package\n" if !eval "require $module; 1" }' "${modules[@]}"
        )
    else
        packages+=("${modules[@]#*=}")
    fi
    [ ${#packages[@]} = 0 ] || printf '%s\n' "${packages[@]}" | sort -u
}

can_install() {
    [ "$(id -u)" = 0 ] && type -P apt-get >/dev/null
}

# Runs a program of apt without its words, but for those of one that fails. The first argument says what it was to do.
quietly() {
    local what=$1 log
    shift
    log=$(mktemp)
    if ! DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "$what"
    fi
    rm -f "$log"
}

# Once: a machine that is new has no lists, or old ones.
update_package_lists() {
    [ -z "${are_lists_new:-}" ] || return 0
    quietly "the lists of Debian packages could not be brought up to date" apt-get update -qq
    are_lists_new=1
}

install_packages() {
    local packages=("$@")
    [ ${#packages[@]} -gt 0 ] || return 0
    can_install || die "missing Debian packages: ${packages[*]}; install them with: apt-get install ${packages[*]}"
    say "installing Debian packages: ${packages[*]}"
    update_package_lists
    quietly "these Debian packages could not be installed: ${packages[*]}" \
        apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

has_package() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# Everything that running Tenon needs; pass further pairs for more.
require_environment() {
    local missing=() jdk=openjdk-25-jdk-headless
    # An ordinary user's path leaves out the programs that make file systems.
    PATH=$PATH:/usr/sbin:/sbin
    mapfile -t missing < <(missing_packages perl=perl qemu-img=qemu-utils mvn=maven chattr=e2fsprogs \
        Data::MessagePack=libdata-messagepack-perl IO::FDPass=libio-fdpass-perl "$@")
    if ! find_jdk25 >/dev/null; then
        if can_install && ! has_package "$jdk"; then
            update_package_lists
        fi
        has_package "$jdk" || die "no JDK 25 found; install one (Debian 13: $jdk; Debian 12: Temurin 25) under /usr/lib/jvm, or set TENON_JAVA_HOME to it"
        missing+=("$jdk")
    fi
    install_packages ${missing[@]+"${missing[@]}"}
    JAVA_HOME=$(find_jdk25) || die "no JDK 25 found after the installation"
    export JAVA_HOME
}

# Maven without the warnings that its own libraries make on JDK 25. What it tells of a network that is not there is one
# sentence instead of its page of errors.
maven() {
    (
        cd "$root"
        # It ends before a better compiler would pay.
        export MAVEN_OPTS=${MAVEN_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1}
        set -o pipefail
        {
            mvn -B "$@" 2>&1 >&3 3>&- |
                { grep -v -e 'sun.misc.Unsafe' -e 'WARNING: Please consider reporting this to the maintainers' >&2 || true; }
        } 3>&1 | perl -e '
            $| = 1;
            my ($errors, $missing, $place, $reason) = ("");
            sub told {
                print $missing
                    ? "tenon: $missing cannot be brought from $place: $reason; a first build needs this repository, or Maven settings (~/.m2/settings.xml) with a mirror of it\n"
                    : $errors;
                ($errors, $missing) = ("");
            }
            while (my $line = <STDIN>) {
                if ($line !~ m/^(?:\e\S*m)*\[(?:\e\S*m)*(?:ERROR|FATAL)|^ @ /) {
                    told();
                    print $line;
                    next;
                }
                $errors .= $line;
                if ($line =~ m/Could not transfer \w+ (\S+) from\/to (\S+ \([^)]+\)): (?:[Tt]ransfer failed for \S+(?: @ line \d+, column \d+)?: )?(.*?)(?: @ |, try downloading|: Name or service| -> |$)/) {
                    ($missing, $place, $reason) = ($1, $2, $3);
                    $reason =~ s/: Temporary failure in name resolution//;
                }
            }
            told()'
    )
}

# Runs a build, and dates the stamp to when it began: what changes meanwhile may not be in it, and is built the next time. A
# build that fails leaves the stamp as it was.
stamped() {
    local stamp=$1 begun
    shift
    begun=$(date +@%s.%N)
    "$@" || return
    mkdir -p "${stamp%/*}"
    touch -d "$begun" "$stamp"
}

is_built() {
    local stamp=$root/cli/target/built
    [ -f "$stamp" ] && [ -z "$(find "$root"/{pom.xml,proto,core,tck,bridge,host,libvirt,web,cli} -newer "$stamp" \( -name '*.java' -o -name '*.json' -o -name '*.xml' -o -path '*/main/resources/*' \) -not -path '*/target/*' -not -path '*/src/test/*' -print -quit)" ]
}

is_archived() {
    class_archive_now=$(class_archive "$class_archives" "$(class_path)")
    [ -e "$class_archive_now" ]
}

build() {
    is_built && is_archived && return 0
    mkdir -p "$root/cli/target"
    (
        flock 9
        if ! is_built; then
            say "building (first run, or sources changed)"
            log=$root/cli/target/build.log
            if ! stamped "$root/cli/target/built" \
                maven -q -DskipTests -Dspotless.check.skip=true -pl cli -am package >"$log" 2>&1; then
                cat "$log" >&2
                exit 1
            fi
        fi
        is_archived || archive_classes "$class_archives" "$(class_path)"
    ) 9>"$root/cli/target/build.lock" || die "the build failed"
    class_archive_now=
}

class_path() {
    local jars=("$root"/cli/target/tenon-cli-*.jar "$root"/cli/target/lib/*.jar)
    local IFS=:
    printf '%s' "${jars[*]}"
}
