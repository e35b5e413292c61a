package dev.tenon.bridge.serve;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Work that freed volumes left, until somebody claims it. The claim may come from another process than the call. */
final class Leftovers {
    private final Map<String, Cleanup> kept = new ConcurrentHashMap<>();

    String keep(Cleanup cleanup) {
        String token = UUID.randomUUID().toString();
        kept.put(token, cleanup);
        return token;
    }

    /**
     * Does the work, once.
     *
     * @throws StorageException {@code NOT_FOUND} if it was claimed before, or before the daemon was restarted; else what
     *     the work throws
     */
    void claim(Value.Fields params) {
        String token = params.get("token") instanceof Value.Text(String text) ? text : "";
        Cleanup cleanup = kept.remove(token);
        if (cleanup == null) {
            throw new StorageException(
                    StorageError.NOT_FOUND,
                    Outcome.NOT_STARTED,
                    "the work '" + token + "' is not left: it was claimed before, or the daemon was restarted since");
        }
        cleanup.run();
    }
}
