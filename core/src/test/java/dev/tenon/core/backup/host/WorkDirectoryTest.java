package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkDirectoryTest {
    @TempDir
    Path parent;

    @Test
    void isForItsOwnUserAndGoesWithAllThatIsInIt() throws IOException {
        Path outside = Files.writeString(parent.resolve("outside"), "stays");
        Path path;
        try (WorkDirectory work = WorkDirectory.make(parent.resolve("run"))) {
            path = work.path();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rwx------");
            Files.writeString(work.directory("deeper").resolve("file"), "goes");
            Files.createSymbolicLink(work.resolve("link"), outside);
        }
        assertThat(path).doesNotExist();
        assertThat(outside).hasContent("stays");
    }

    @Test
    void whatAProcessLeftThatHasEndedGoesAndWhatOthersHaveStays() throws IOException {
        ProcessIdentity own = ProcessIdentity.own();
        Path dead = parent.resolve(
                "backup-" + new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() + 1) + ".1");
        Path elsewhere = parent.resolve(
                "backup-" + new ProcessIdentity("other-node", own.boot(), own.pid(), own.start() + 1) + ".1");
        Path alive = parent.resolve("backup-" + own + ".99999");
        Path foreign = parent.resolve("backup-of-something");
        for (Path each : new Path[] {dead, elsewhere, alive, foreign}) {
            Files.writeString(Files.createDirectory(each).resolve("nbd.sock"), "");
        }

        try (WorkDirectory work = WorkDirectory.make(parent)) {
            assertThat(work.path()).isDirectory();
            assertThat(dead).doesNotExist();
            assertThat(elsewhere).exists();
            assertThat(alive).exists();
            assertThat(foreign).exists();
        }
    }
}
