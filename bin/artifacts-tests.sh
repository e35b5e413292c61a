# The Maven artifacts, and projects that use nothing else: what docs/JAVA_SERVICE.md says, and docs/examples. Sourced by
# bin/verify, not run.

artifacts_passed=0
artifacts_failed=0

# Counts a check, given as a command.
artifact_check() {
    local what=$1
    shift
    if "$@" >"$artifacts_scratch/said" 2>&1; then
        artifacts_passed=$((artifacts_passed + 1))
    else
        artifacts_failed=$((artifacts_failed + 1))
        say "not ok: artifacts: $what"
        grep -v 'sun.misc.Unsafe\|^WARNING: ' "$artifacts_scratch/said" | tail -n 20 >&2
    fi
}

# The artifacts go to a repository of their own, not to that of the user.
deploys() {
    maven -q -Partifacts -Dmaven.test.skip=true -Dspotless.check.skip=true -pl proto,core,bridge,host,tck,bom -am deploy \
        -DaltDeploymentRepository="scratch::file://$artifacts_scratch/repository"
}

has_artifacts() {
    local module kind place=$artifacts_scratch/repository/dev/tenon
    for module in proto core bridge host tck; do
        for kind in '' -sources -javadoc; do
            ls "$place/tenon-$module"/*/*[0-9]"$kind.jar" || return 1
        done
        "$JAVA_HOME/bin/jar" --describe-module --file "$place/tenon-$module"/*/*[0-9].jar | grep "^dev.tenon.$module[@ ].*automatic" ||
            return 1
    done
    ls "$place"/tenon-bom/*/*.pom || return 1
    ! ls -d "$place"/tenon-bench "$place"/tenon-integration-tests 2>/dev/null
}

# Maven for a project outside of the checkout. What this build has brought already is not brought again.
elsewhere() {
    local project=$1 own=${HOME:-/root}/.m2/repository
    shift
    cat >"$artifacts_scratch/settings.xml" <<END
<settings><profiles><profile><id>scratch</id>
  <repositories>
    <repository><id>scratch</id><url>file://$artifacts_scratch/repository</url><snapshots><enabled>true</enabled></snapshots></repository>
    <repository><id>own</id><url>file://$own</url></repository>
  </repositories>
  <pluginRepositories><pluginRepository><id>own</id><url>file://$own</url></pluginRepository></pluginRepositories>
</profile></profiles><activeProfiles><activeProfile>scratch</activeProfile></activeProfiles></settings>
END
    (
        cd "$project"
        export MAVEN_OPTS='-XX:+UseSerialGC -XX:TieredStopAtLevel=1'
        mvn -B -q -gs "$artifacts_scratch/settings.xml" -Dmaven.repo.local="$artifacts_scratch/m2" "$@"
    )
}

# Prints a block of code of the page: its language, and which.
block() {
    perl -e 'my ($language, $file) = @ARGV; local (@ARGV, $/) = ($file); my ($text) = <> =~ m/^```\Q$language\E\n(.*?)^```/ms; print $text' \
        "$1" docs/JAVA_SERVICE.md
}

write_service() {
    mkdir -p "$artifacts_scratch/service/src/main/java/org/example"
    block xml >"$artifacts_scratch/service/pom.xml"
    block java >"$artifacts_scratch/service/src/main/java/org/example/Images.java"
    cp -r docs/examples/java-storage "$artifacts_scratch/storage"
    rm -rf "$artifacts_scratch/storage/target"
}

# Without the checkout: the Perl is what the jar has.
runs_service() {
    local said
    cp perl-shim/examples/LegacyDirPlugin.pm "$artifacts_scratch/"
    mkdir "$artifacts_scratch/images"
    said=$(cd "$artifacts_scratch/service" && unshare --mount sh -ec '
        mkdir -p "$1/cache" && mkdir -p /var/cache/tenon && mount --bind "$1/cache" /var/cache/tenon
        exec "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED -cp "target/images-1.jar:target/lib/*" \
            org.example.Images "$1/LegacyDirPlugin.pm" "$1/images"' sh "$artifacts_scratch") || return 1
    printf '%s\n' "$said"
    [ "$said" = 'images:100/vm-100-disk-0.raw 1048576 B' ] && ls "$artifacts_scratch"/cache/perl-*/perl-shim/bin/tenon-sidecar
}

serves_storage() {
    local place=$artifacts_scratch/run daemon status=0 said i
    local jar=$artifacts_scratch/storage/target/shelf-1.jar
    mkdir -p "$place"
    bin/tenon proxy shelf --classpath "$jar" --output "$place/ShelfPlugin.pm" --socket "$place/control.sock" || return 1
    # What can be told without a daemon is.
    said=$(use_it)
    [ "$said" = "$known" ] || return 1
    bin/tenon serve --socket "$place/control.sock" --classpath "$jar" --journal "$place/journal" --adopted "$place/adopted" 2>"$place/log" &
    daemon=$!
    for i in $(seq 300); do
        grep -q event=listening "$place/log" && break
        kill -0 $daemon || break
        read -rt 0.1 <><(:) || true
    done
    said=$(use_it "$place/books") || status=1
    kill $daemon
    wait $daemon || true
    printf '%s\n' "$said"
    [ $status = 0 ] && [ "$said" = "$known
disk-100-0
books:disk-100-0 1048576 100
$place/books/disk-100-0
0" ]
}

known="images disk-100-7 100 raw
unable to parse shelf volume name 'vm-100-disk-0.raw'
shelf-path"

use_it() {
    perl -Iperl-shim/lib -Iperl-shim/compat docs/examples/java-storage/use-it.pl "$artifacts_scratch/run/ShelfPlugin.pm" "$@"
}

artifacts_tests() {
    artifacts_scratch=$(mktemp -d)
    artifact_check "they are deployed, Javadoc without a warning" deploys
    artifact_check "each has its sources, its Javadoc and its module name; tests and benches are none" has_artifacts
    write_service
    artifact_check "the service is built from them" elsewhere "$artifacts_scratch/service" package
    artifact_check "the storage is built from them" elsewhere "$artifacts_scratch/storage" package
    rm -rf "$artifacts_scratch"/*/target
    artifact_check "the service is built again, offline" elsewhere "$artifacts_scratch/service" -o package
    artifact_check "the storage is built again, offline" elsewhere "$artifacts_scratch/storage" -o package
    if [ "$(id -u)" = 0 ]; then
        artifact_check "the service runs without a checkout" runs_service
    else
        say "SKIPPED artifacts: the service without a checkout, since only root can give it a cache of its own"
        skipped=$((skipped + 1))
    fi
    artifact_check "Perl uses the storage" serves_storage
    rm -rf "$artifacts_scratch"
    passed=$((passed + artifacts_passed))
    failed=$((failed + artifacts_failed))
    [ $artifacts_failed = 0 ]
}
