#!/usr/bin/env bash
# Apache Commons Exec 1.6.0 trims every argument of a CommandLine, also with handleQuoting=false, and with quoting handled
# (the one-argument addArgument) it passes the quotes that it adds around a blank on to the program. A path that begins or
# ends with a blank thus names another file, and "my disk.raw" arrives with quotes in it. The array form of exec, which the
# library uses underneath, would have needed neither.
#
# Seen with commons-exec 1.6.0 on JDK 25:
#   [ two ] with quoting handled -> <two>
#   [ two ] without              -> <two>
#   [my disk.raw] with quoting handled -> <"my disk.raw">
#   [my disk.raw] without              -> <my disk.raw>
# What helps: a subclass of CommandLine whose toStrings() returns the arguments as they are.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mvn -B -q dependency:copy -Dartifact=org.apache.commons:commons-exec:1.6.0 -DoutputDirectory="$work" >mvn.log 2>&1 || { cat mvn.log; exit 2; }
cat >Trimmed.java <<'J'
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;

public class Trimmed {
    public static void main(String[] args) throws Exception {
        for (String word : new String[] {" two ", "my disk.raw"}) {
            for (boolean quoting : new boolean[] {true, false}) {
                CommandLine line = new CommandLine("printf").addArgument("<%s>\\n").addArgument(word, quoting);
                DefaultExecutor.builder().get().execute(line);
            }
        }
    }
}
J
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
"$java" -cp commons-exec-1.6.0.jar Trimmed.java | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
<two>
<two>
<"my disk.raw">
<my disk.raw>
S
echo "as told: trimmed in both ways, quoted for the program where quoting is handled"
