package dev.tenon.core.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Calls that fail as they should. */
public final class Failing {
    private Failing() {}

    /** The call is refused before anything is done, in one sentence with this in it. */
    public static void isRefused(ThrowingCallable call, StorageError error, String part) {
        fails(call, error, Outcome.NOT_STARTED, part);
    }

    /** The call fails with this outcome, in one sentence with this in it. */
    public static void fails(ThrowingCallable call, StorageError error, Outcome outcome, String part) {
        assertThatThrownBy(call)
                .hasMessageContaining(part)
                .hasMessageNotContaining("\n")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .satisfies(
                        failure -> assertThat(failure.error()).isEqualTo(error),
                        failure -> assertThat(failure.outcome()).isEqualTo(outcome));
    }
}
