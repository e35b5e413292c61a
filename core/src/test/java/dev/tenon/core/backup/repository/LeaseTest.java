package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseTest {
    @TempDir
    private Path directory;

    /** A disk may be full for a moment; a backup takes hours. */
    @Test
    void aLeaseThatCannotBeRenewedOnceIsRenewedAgain() throws IOException {
        Repository.init(directory);
        Layout layout = new Layout(directory);
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE, Duration.ofMillis(10))) {
            Path inTheWay = lease.file("state.new");
            await().ignoreExceptions().until(() -> Files.exists(Files.createDirectory(inTheWay)));
            await().until(lease::isBehind);
            String before = Lease.state(lease.file("")).orElseThrow();
            Files.delete(inTheWay);
            await().untilAsserted(
                            () -> assertThat(Lease.state(lease.file(""))).get().isNotEqualTo(before));
            await().until(() -> !lease.isBehind());
        }
        assertThat(Layout.entries(layout.leases())).isEmpty();
    }
}
