package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

/** The guest in which block storages are tested: what it is like inside, and that it ends. */
class GuestTest {
    @Test
    void aCommandHasAKernelDisksAndFilesOfItsOwnAndItsAnswersComeBack(Scratch scratch) throws IOException {
        Path changed = Files.writeString(
                Path.of("target", "guest-" + scratch.root().getFileName()).toAbsolutePath(), "outside");
        Guest.Said said = new Guest(scratch)
                .withDisk("64M")
                .withDisk("32M")
                .required()
                .run("sh", "-c", """
                        cat "$1" && echo inside >"$1" && cat "$1"
                        for disk in /dev/ubda /dev/ubdb; do blockdev --getsize64 "$disk"; done
                        cat /proc/version >&2
                        exit 7
                        """, "sh", changed.toString());
        assertThat(said.output()).isEqualTo("outsideinside\n" + (64 << 20) + "\n" + (32 << 20) + "\n");
        assertThat(said.errors()).contains("Linux version ").isNotEqualTo(Files.readString(Path.of("/proc/version")));
        assertThat(said.status()).isEqualTo(7);
        assertThat(changed).hasContent("outside");
        Files.delete(changed);
        assertThat(processesOf(scratch)).isEmpty();
    }

    @Test
    void aVolumeGroupIsMadeAndItsVolumesAreDevices(Scratch scratch) {
        Guest.Said said = new Guest(scratch).withDisk("1G").required().run("sh", "-c", """
                        set -e
                        exec 2>&1
                        pvcreate -q /dev/ubda
                        vgcreate -q vg /dev/ubda
                        lvcreate -q -L 100m -T vg/pool
                        lvcreate -q -V 1g -n thin --thinpool vg/pool
                        lvcreate -q -pr -s -n snap vg/thin
                        lvcreate -q -aly -Wy --yes -L 4m -n thick vg
                        echo content | dd of=/dev/vg/thick status=none
                        head -c 8 /dev/vg/thick
                        lvs --noheadings -o lv_name,lv_attr vg
                        """);
        assertThat(said.output())
                .contains("content\n")
                .containsPattern("snap +Vri---tz-k")
                .containsPattern("thin +Vwi-a-tz--");
        assertThat(said.status()).isZero();
    }

    private interface End {
        void of(Process process) throws Exception;
    }

    /** A command that is killed cannot end what it started. */
    @Test
    void aGuestEndsWithTheCommandThatStartedItHoweverThatEnds(Scratch scratch) throws Exception {
        endsBy(scratch, Process::destroyForcibly);
    }

    /** Nor can a program that is killed end the command. */
    @Test
    void aGuestThatIsTiedEndsWithItsInput(Scratch scratch) throws Exception {
        endsBy(scratch, process -> process.getOutputStream().close(), "--tied");
    }

    private static void endsBy(Scratch scratch, End end, String... options) throws Exception {
        new Guest(scratch).required();
        Path share = Files.createDirectory(scratch.file("share"));
        List<String> command = new ArrayList<>(List.of(Installation.home() + "/bin/guest"));
        command.addAll(List.of(options));
        command.addAll(List.of(
                "--share", share.toString(), "--", "sh", "-c", "echo >\"$0/up\"; sleep 1000", share.toString()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(scratch.file("said").toFile());
        builder.environment().put("TMPDIR", scratch.file("guests").toString());
        Files.createDirectory(scratch.file("guests"));
        Process process = builder.start();
        try {
            await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(share.resolve("up")));
            assertThat(processesOf(scratch)).isNotEmpty();
            end.of(process);
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                assertThat(process.isAlive()).isFalse();
                assertThat(processesOf(scratch)).isEmpty();
                assertThat(scratch.file("guests")).isEmptyDirectory();
            });
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /** The processes that are a guest in this directory. */
    private static List<String> processesOf(Scratch scratch) {
        return ProcessHandle.allProcesses()
                .map(process -> process.info().commandLine().orElse(""))
                .filter(line -> line.contains("guest_run=" + scratch.root()))
                .toList();
    }

    @Test
    void aTestThatRunsInsideEndsHereAsItEndsThere(Scratch scratch) {
        Map<String, Throwable> ended = new TreeMap<>();
        for (DynamicTest test : new Guest(scratch).tests(Inside.class).toList()) {
            ended.put(test.getDisplayName(), catchThrowable(test.getExecutable()::execute));
        }
        assertThat(ended)
                .containsOnlyKeys(
                        "GuestTest$Inside aFailure()",
                        "GuestTest$Inside aReasonToSkip()",
                        "GuestTest$Inside theKernelIsTheGuests()");
        assertThat(ended.get("GuestTest$Inside theKernelIsTheGuests()")).isNull();
        assertThat(ended.get("GuestTest$Inside aReasonToSkip()"))
                .isInstanceOf(TestAbortedException.class)
                .hasMessageContaining("not here");
        assertThat(ended.get("GuestTest$Inside aFailure()"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("one is not two");
    }

    /** What runs in the guest. */
    static class Inside {
        @Test
        void theKernelIsTheGuests() throws IOException {
            assertThat(Files.readString(Path.of("/proc/cpuinfo"))).contains("User Mode Linux");
        }

        @Test
        void aReasonToSkip() {
            abort("not here");
        }

        @Test
        void aFailure() {
            throw new AssertionError("one is not two");
        }
    }
}
