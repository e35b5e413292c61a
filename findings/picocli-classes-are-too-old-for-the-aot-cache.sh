#!/usr/bin/env bash
# picocli 4.7.7 and the AOT cache of JDK 25: the cache keeps no class of picocli at all. Its jar is compiled for Java 5 (class
# files of version 49), and classes before version 50 have no stack maps, so that the JVM verifies them in the old way at
# each start and leaves them out of its archives. Nothing is said without a log option; a command line starts with all its
# own classes and those of the JDK from the cache, and reads a hundred picocli classes out of the jar.
#
# Seen with JDK 25 (any vendor's) and picocli 4.7.7 from Maven Central:
#   class files of picocli: version 49
#   from the cache: the program yes, picocli no
# What helps: its source file compiled with the program, which its manual allows. A command that took 250 ms of processor
# time took 196 with the same classes brought to version 69.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
"$java" -version 2>&1 | grep -q '"25' || { echo "needs a JDK 25 (JAVA_HOME)"; exit 2; }
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact=info.picocli:picocli:4.7.7 \
    -DoutputDirectory="$work" >mvn.log 2>&1 || { cat mvn.log; echo "picocli cannot be had here"; exit 2; }
cat >Hello.java <<'J'
import picocli.CommandLine;

@CommandLine.Command(name = "hello")
public class Hello implements Runnable {
    @CommandLine.Option(names = "--name")
    String name = "world";

    @Override
    public void run() {
        System.out.println("hello " + name);
    }

    public static void main(String[] args) {
        System.exit(new CommandLine(new Hello()).execute(args));
    }
}
J
"${java%java}javac" -proc:none -cp picocli-4.7.7.jar Hello.java
"${java%java}jar" --create --file hello.jar Hello.class
path=hello.jar:picocli-4.7.7.jar
"$java" -XX:AOTCacheOutput=hello.aot -cp "$path" Hello >train.log 2>&1 || { cat train.log; exit 1; }
"$java" -XX:AOTCache=hello.aot -Xlog:class+load:file=loaded.txt -cp "$path" Hello --name you
"${java%java}javap" -v -cp picocli-4.7.7.jar picocli.CommandLine >class.txt 2>&1
kept() {
    if grep -E "\] $1 source: shared objects file" loaded.txt >/dev/null; then echo yes; else echo no; fi
}
{
    echo "class files of picocli: version $(sed -n 's/^ *major version: //p' class.txt)"
    echo "from the cache: the program $(kept Hello), picocli $(kept picocli.CommandLine)"
} | tee seen
diff seen - <<'S' || { echo "the behaviour has changed"; exit 1; }
class files of picocli: version 49
from the cache: the program yes, picocli no
S
echo "as told: $(grep -c '\] picocli.* source: file:' loaded.txt) classes of picocli were read from the jar"
