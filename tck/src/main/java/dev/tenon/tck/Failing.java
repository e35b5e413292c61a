package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Calls that fail as they should. */
final class Failing {
    private final Abilities abilities;

    Failing(Abilities abilities) {
        this.abilities = abilities;
    }

    /** The call is refused before anything is done, for this reason. */
    void refused(StorageError reason, ThrowingCallable call) {
        StorageException failure = failed(call, reason);
        if (abilities.tellsWhy()) {
            assertThat(failure.outcome()).as(failure.getMessage()).isEqualTo(Outcome.NOT_STARTED);
        }
    }

    /** The call fails for one of these reasons and leaves nothing changed. */
    void clean(ThrowingCallable call, StorageError... reasons) {
        StorageException failure = failed(call, reasons);
        if (abilities.tellsWhy()) {
            assertThat(failure.outcome()).as(failure.getMessage()).isNotEqualTo(Outcome.UNKNOWN);
        }
    }

    /** The stream is broken. Only the process that read it knows what it made of it. */
    void broken(ThrowingCallable call) {
        failed(call, StorageError.STREAM_BROKEN, StorageError.COMMAND_FAILED);
    }

    /** A call that the spi itself refuses, however the plugin describes its failures. */
    static void refusedByAll(StorageError reason, ThrowingCallable call) {
        StorageException failure = sentence(call);
        assertThat(failure.error()).isEqualTo(reason);
        assertThat(failure.outcome()).isEqualTo(Outcome.NOT_STARTED);
    }

    private StorageException failed(ThrowingCallable call, StorageError... reasons) {
        StorageException failure = sentence(call);
        List<StorageError> allowed = new ArrayList<>(List.of(reasons));
        if (!abilities.tellsWhy()) {
            allowed.add(StorageError.PLUGIN_DIED);
        }
        assertThat(failure.error()).as(failure.getMessage()).isIn(allowed);
        return failure;
    }

    private static StorageException sentence(ThrowingCallable call) {
        Throwable thrown = catchThrowable(call);
        assertThat(thrown)
                .as(thrown == null ? "the call was made, and is to be refused" : "how the call failed")
                .isInstanceOf(StorageException.class);
        assertThat(thrown.getMessage()).isNotBlank().doesNotContain("\n");
        return (StorageException) thrown;
    }
}
