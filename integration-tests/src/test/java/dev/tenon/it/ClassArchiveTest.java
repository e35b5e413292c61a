package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The archive of classes with which commands start sooner. */
class ClassArchiveTest {
    private Path first = Path.of("");
    private Path second = Path.of("");
    private Path archives = Path.of("");

    @BeforeEach
    void makesJarsAndTheirArchive(Scratch scratch) throws IOException {
        first = Files.writeString(scratch.file("first.jar"), "classes");
        second = Files.writeString(scratch.file("second.jar"), "more classes");
        archives = Files.createDirectory(scratch.file("archives"));
        Files.writeString(
                Path.of(shell("class_archive \"$1\" \"$2\"", first + ":" + second)
                        .getFirst()),
                "no archive at all");
        assertThat(options(first + ":" + second)).first().asString().startsWith("-XX:AOTCache=" + archives);
    }

    private List<String> shell(String script, String classPath) {
        return Installation.shell(List.of(script, archives.toString(), classPath));
    }

    private List<String> options(String classPath) {
        return shell("archive_options \"$1\" \"$2\"", classPath);
    }

    @Test
    void isNotUsedOnceAJarWasReplacedByOneOfTheSameSizeAndTime(Scratch scratch) throws IOException {
        Path other = Files.copy(first, scratch.file("other.jar"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(other, first, StandardCopyOption.REPLACE_EXISTING);

        assertThat(options(first + ":" + second)).isEmpty();
    }

    @Test
    void isNotUsedOnceAJarWasWrittenAndItsTimeSetBack() throws IOException {
        var time = Files.getLastModifiedTime(second);
        Files.writeString(second, "MORE CLASSES");
        Files.setLastModifiedTime(second, time);

        assertThat(options(first + ":" + second)).isEmpty();
    }

    @Test
    void isOfOneClassPathOnly() {
        assertThat(options(second + ":" + first)).isEmpty();
        assertThat(options(first.toString())).isEmpty();
    }

    @Test
    void isOfOneSetOfOptionsOnly() {
        assertThat(shell("jvm_options+=(-Xmx300m); archive_options \"$1\" \"$2\"", first + ":" + second))
                .isEmpty();
    }

    @Test
    void saysNothingOnStandardOutputWhenItCannotBeUsed() {
        String version = "\"$JAVA_HOME/bin/java\" \"${options[@]}\" -cp \"$2\" --version";
        List<String> without = shell("mapfile -t options < <(jvm_options_of serve); " + version, first + ":" + second);
        List<String> with = shell(
                "mapfile -t options < <(jvm_options_of serve; archive_options \"$1\" \"$2\"); " + version,
                first + ":" + second);

        // Without a good one the JVM does without its own, too, and says so.
        assertThat(with.stream().map(line -> line.replace(", sharing", "")).toList())
                .isEqualTo(without.stream()
                        .map(line -> line.replace(", sharing", ""))
                        .toList());
        assertThat(with).first().asString().startsWith("openjdk 25");
    }
}
