package dev.tenon.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.decorator.StatusCache;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusesTest {
    private static final StorageId NAS = new StorageId("nas");

    private static final StorageStatus ACTIVE =
            new StorageStatus.Active(ByteSize.ofBytes(3), ByteSize.ofBytes(2), ByteSize.ofBytes(1));

    private final Statuses statuses = new Statuses();

    /** A plugin all of whose calls end so. */
    private StoragePlugin failing(StorageException failure) {
        return new DelegatingPlugin() {
            @Override
            @SuppressWarnings({"unchecked", "NullAway"}) // it throws
            protected <T extends @Nullable Object> T make(Call<T> call) {
                return (T) statuses.around(call, () -> {
                    throw failure;
                });
            }
        };
    }

    @ParameterizedTest
    @CsvSource({
        "COMMAND_FAILED,FAILED_CLEAN,FAILED",
        "STORAGE_UNAVAILABLE,NOT_STARTED,FAILED",
        "DEADLINE_EXCEEDED,UNKNOWN,FAILED",
        "DEADLINE_EXCEEDED,NOT_STARTED,UNKNOWN",
        "CANCELLED,UNKNOWN,UNKNOWN",
        "CANCELLED,NOT_STARTED,UNKNOWN",
        "PLUGIN_BUSY,NOT_STARTED,UNKNOWN",
        "STORAGE_BUSY,NOT_STARTED,UNKNOWN",
        "TOO_MANY_CALLS,NOT_STARTED,UNKNOWN",
    })
    void whoGaveUpKnowsNothingOfTheStorage(StorageError error, Outcome outcome, StorageState state) {
        Storage storage = new Storage(NAS, new StorageConfig("dir", Map.of()));
        StoragePlugin plugin = failing(new StorageException(error, outcome, "no"));

        assertThatThrownBy(() -> plugin.status(storage, OperationCache.create()))
                .hasMessage("no");

        assertThat(StorageState.of(statuses.of(NAS))).isEqualTo(state);
    }

    /** A plugin whose storages answer, or hang. */
    private static final class Hanging extends DelegatingPlugin {
        private final CountDownLatch end = new CountDownLatch(1);

        @Override
        @SuppressWarnings("unchecked") // it is only asked for its status
        protected <T extends @Nullable Object> T make(Call<T> call) {
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return (T) ACTIVE;
        }
    }

    @Test
    void whatStandsForASilentStorageIsNoneOfItsAnswers() {
        Storage storage = new Storage(NAS, new StorageConfig("nas", Map.of()));
        Hanging hanging = new Hanging();
        StatusCache.Settings impatient =
                new StatusCache.Settings(Duration.ZERO, Duration.ofMillis(1), Duration.ofMinutes(2));
        StoragePlugin plugin = Decorator.decorate(hanging, statuses::around, new StatusCache(impatient));

        assertThat(plugin.status(storage, OperationCache.create())).isEqualTo(new StorageStatus.Inactive());

        assertThat(statuses.of(NAS)).isEmpty();
        Duration silence = statuses.silence(NAS).orElseThrow();
        plugin.status(storage, OperationCache.create());
        assertThat(statuses.silence(NAS).orElseThrow()).isGreaterThan(silence);

        hanging.end.countDown();
        while (statuses.silence(NAS).isPresent()) {
            // The answer is on its way, and is noticed although nobody asks.
            Thread.onSpinWait();
        }
        Decorator.decorate(hanging, statuses::around).status(storage, OperationCache.create());
        assertThat(StorageState.of(statuses.of(NAS))).isEqualTo(StorageState.ACTIVE);
    }
}
