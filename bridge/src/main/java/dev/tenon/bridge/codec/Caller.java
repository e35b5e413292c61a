package dev.tenon.bridge.codec;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The side that made a call by name, as the called plugin sees it. */
public interface Caller {
    /** A caller that hands over no functions and claims no work, so that work that is left is done at once. */
    Caller NONE = new Caller() {
        @Override
        public Value run(long function, List<Value> args) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "the function " + function + " came with no call");
        }

        @Override
        public @Nullable String keep(Cleanup cleanup) {
            cleanup.run();
            return null;
        }

        @Override
        public Descriptor descriptor(String token) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "the descriptor " + token + " came with no call");
        }

        @Override
        public void whenGone(Consumer<String> action) {}
    };

    /**
     * Runs a function that came with the call.
     *
     * @throws dev.tenon.core.spi.StorageException what it died with
     */
    Value run(long function, List<Value> args);

    /**
     * Keeps work for the caller to claim once.
     *
     * @return the token to claim it by, null if it has been done
     */
    @Nullable
    String keep(Cleanup cleanup);

    /**
     * The open file that the caller sent under this token, which is the callee's to close.
     *
     * @throws dev.tenon.core.spi.StorageException {@code BAD_PARAMETER} if none comes
     */
    Descriptor descriptor(String token);

    /**
     * Keeps an object whose methods the caller calls later.
     *
     * @return the token to call it by
     * @throws dev.tenon.core.spi.StorageException {@code NOT_SUPPORTED} if nothing is kept here
     */
    default String hold(Lasting object) {
        throw StorageException.refused(StorageError.NOT_SUPPORTED, "no object is kept for this caller");
    }

    /** Runs the action, with the reason, when the caller has gone and waits for no answer any more; at once if it has. */
    void whenGone(Consumer<String> action);

    /** Runs the action when this process of the caller's machine has ended, if that can be seen; at once if it has. */
    default void whenEnded(long process, Runnable action) {}
}
