package dev.tenon.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusesTest {
    private static final StorageId NAS = new StorageId("nas");

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
}
