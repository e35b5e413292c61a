package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The daemon runs on hosts whose memory belongs to guests. */
class DaemonMemoryTest {
    private static final long MOST_KIB = 150 * 1024;

    @Test
    void anIdleDaemonThatHasServedHoldsLessThan150MiB(Scratch scratch) throws IOException {
        ScratchStorage.create(scratch);
        DaemonProcess daemon = DaemonProcess.start(scratch);
        PerlCaller caller = PerlCaller.start(scratch);
        for (int i = 0; i < 50; i++) {
            caller.list("parse_volname", "100/vm-100-disk-0.raw");
        }

        assertThat(residentKib(daemon.pid())).isBetween(1L, MOST_KIB);
    }

    private static long residentKib(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .map(line -> line.replaceAll("\\D", ""))
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow();
    }
}
