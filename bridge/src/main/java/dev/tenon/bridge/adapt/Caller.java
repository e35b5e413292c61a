package dev.tenon.bridge.adapt;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.List;
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
}
