#!/usr/bin/env bash
# JDK 25: with -XX:TieredStopAtLevel=1, the usual advice for commands that end soon, MessageDigest computes SHA-256 at a tenth of
# its speed, for as long as the program runs. Only the second compiler uses the processor's instructions for it; the first compiles
# the digest as it is written in Java. A backup program that starts so spends its time on hashing, and looks slow for no reason
# that its own code shows.
# What helps: the option for commands that compute nothing, and both compilers for those that hash what they read.
#
# Seen with JDK 25.0.3 (Temurin) on two x86-64 processors with SHA instructions:
#   best of four times 64 MiB: 508 ms with the first compiler, 51 ms with both
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for java in "${JAVA_HOME:-}/bin/java" /usr/lib/jvm/*/bin/java java; do
    case $("$java" -version 2>&1 | head -n 1) in *'"25'*) break ;; esac
done
"$java" -version 2>&1 | grep -q '"25' || { echo "there is no JDK 25 here"; exit 2; }
cat >Hash.java <<'J'
void main() throws Exception {
    var digest = java.security.MessageDigest.getInstance("SHA-256");
    byte[] piece = new byte[1 << 20];
    for (int i = 0; i < 64; i++) {
        digest.update(piece);
    }
    long best = Long.MAX_VALUE;
    for (int round = 0; round < 4; round++) {
        long begin = System.nanoTime();
        for (int i = 0; i < 64; i++) {
            digest.update(piece);
        }
        best = Math.min(best, System.nanoTime() - begin);
    }
    System.out.println(best);
}
J
first=$("$java" -XX:TieredStopAtLevel=1 Hash.java)
both=$("$java" Hash.java)
echo "best of four times 64 MiB: $((first / 1000000)) ms with the first compiler, $((both / 1000000)) ms with both"
[ $((first)) -ge $((4 * both)) ] || { echo "the behaviour has changed"; exit 1; }
echo "as told: the first compiler takes at least 4 times as long"
