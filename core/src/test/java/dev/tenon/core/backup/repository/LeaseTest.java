package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class LeaseTest {
    @TempDir
    private Path directory;

    /** A disk may be full for a moment; a backup takes hours. */
    @Test
    void aLeaseThatCannotBeRenewedOnceIsRenewedAgain() throws IOException {
        Repository.init(directory);
        Layout layout = new Layout(directory);
        Logger logger = (Logger) LoggerFactory.getLogger(Lease.class);
        ListAppender<ILoggingEvent> told = new ListAppender<>();
        told.start();
        logger.addAppender(told);
        try (Lease lease = Lease.take(layout, Lease.Kind.WRITE, Duration.ofMillis(10))) {
            Path inTheWay = lease.file("state.new");
            await().ignoreExceptions().until(() -> Files.exists(Files.createDirectory(inTheWay)));
            await().untilAsserted(() -> assertThat(told.list).isNotEmpty());
            String before = Lease.state(lease.file("")).orElseThrow();
            Files.delete(inTheWay);
            await().untilAsserted(
                            () -> assertThat(Lease.state(lease.file(""))).get().isNotEqualTo(before));
            assertThat(told.list).hasSize(1);
        } finally {
            logger.detachAppender(told);
        }
        assertThat(Layout.entries(layout.leases())).isEmpty();
    }
}
