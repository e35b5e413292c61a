package dev.tenon.bridge.serve;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Value;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Work that freed volumes left, until somebody claims it. The claim may come from another process than the call. */
final class Leftovers {
    private final Map<String, Cleanup> kept = new ConcurrentHashMap<>();
    private final AtomicInteger running = new AtomicInteger();

    String keep(Cleanup cleanup) {
        String token = UUID.randomUUID().toString();
        kept.put(token, cleanup);
        return token;
    }

    /** Whether the work is kept here, and nobody has claimed it. */
    boolean has(Value.Fields params) {
        return kept.containsKey(token(params));
    }

    /** Whether there is work that nobody has claimed. */
    boolean areLeft() {
        return !kept.isEmpty();
    }

    /** Whether some is being done. */
    boolean areRunning() {
        return running.get() > 0;
    }

    private static String token(Value.Fields params) {
        return params.get("token") instanceof Value.Text(String text) ? text : "";
    }

    /**
     * Does the work, once.
     *
     * @throws StorageException {@code NOT_FOUND} if it was claimed before, or before the daemon was restarted; else what
     *     the work throws
     */
    void claim(Value.Fields params) {
        String token = token(params);
        running.incrementAndGet();
        try {
            run(token);
        } finally {
            running.decrementAndGet();
        }
    }

    private void run(String token) {
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
