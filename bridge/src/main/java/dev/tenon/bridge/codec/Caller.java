package dev.tenon.bridge.codec;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Whoever made a call by name, as far as the plugin that is called has to do with it. */
public interface Caller {
    /** One that hands over no functions and claims nothing, so that what is left is done at once. */
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

    /** Runs the action, with the reason, when the caller has gone and waits for no answer any more; at once if it has. */
    void whenGone(Consumer<String> action);
}
