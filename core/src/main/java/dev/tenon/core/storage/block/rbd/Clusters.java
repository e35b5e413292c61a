package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.linux.Rados;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The connections to clusters, one each, which are kept for a while after their last use. */
final class Clusters {
    private static final Duration KEPT = Duration.ofMinutes(10);

    private static final Map<Key, Kept> OPEN = new HashMap<>();

    private Clusters() {}

    /** A changed key needs another connection. */
    private record Key(Connection connection, Duration limit, long keyring) {}

    /** What asks a cluster something. */
    @FunctionalInterface
    interface Question<T> {
        /** An IOException is a failure of the cluster, whose connection nobody uses again; no other exception is. */
        T ask(Rados cluster) throws IOException;
    }

    private static final class Kept {
        private final Rados cluster;
        private int users = 1;
        private boolean isLeft;
        private long last = System.nanoTime();

        private Kept(Rados cluster) {
            this.cluster = cluster;
        }

        private boolean isOld() {
            return users == 0 && System.nanoTime() - last > KEPT.toNanos();
        }
    }

    /**
     * Asks.
     *
     * @param limit how long the cluster may take for each of its answers
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if there is none
     */
    static <T> T ask(Connection connection, Duration limit, Question<T> question) {
        Key key = new Key(connection, limit, changed(connection.keyring()));
        try {
            Kept kept = take(key);
            try {
                return question.ask(kept.cluster);
            } catch (IOException e) {
                leave(key, kept);
                throw e;
            } finally {
                release(kept);
            }
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED, "rbd error: " + e.getMessage(), e);
        }
    }

    private static long changed(@Nullable Path keyring) {
        try {
            return keyring == null ? 0 : Files.getLastModifiedTime(keyring).toMillis();
        } catch (IOException e) {
            return 0;
        }
    }

    private static Kept take(Key key) throws IOException {
        synchronized (OPEN) {
            closeOld();
            Kept kept = OPEN.get(key);
            if (kept != null) {
                kept.users++;
                return kept;
            }
        }
        // It may take as long as the limit, and keeps nobody else from another cluster.
        Kept made = new Kept(connect(key));
        synchronized (OPEN) {
            Kept other = OPEN.putIfAbsent(key, made);
            if (other == null) {
                return made;
            }
            other.users++;
            made.isLeft = true;
            release(made);
            return other;
        }
    }

    private static Rados connect(Key key) throws IOException {
        Connection connection = key.connection();
        String seconds = Long.toString(Math.max(1, key.limit().toSeconds()));
        Map<String, String> options = new LinkedHashMap<>();
        options.put("client_mount_timeout", seconds);
        options.put("rados_mon_op_timeout", seconds);
        options.put("rados_osd_op_timeout", seconds);
        options.put("log_to_stderr", "false");
        options.put("err_to_stderr", "false");
        options.put("log_file", "");
        options.put("admin_socket", "");
        for (String side : List.of("client", "service", "cluster")) {
            options.put("auth_" + side + "_required", connection.authentication());
        }
        if (!connection.monitors().isEmpty()) {
            options.put("mon_host", String.join(",", connection.monitors()));
        }
        if (connection.keyring() != null) {
            options.put("keyring", connection.keyring().toString());
        }
        return Rados.connect(connection.user(), connection.configuration(), options);
    }

    private static void closeOld() {
        List<Kept> old = new ArrayList<>();
        for (Iterator<Kept> all = OPEN.values().iterator(); all.hasNext(); ) {
            Kept kept = all.next();
            if (kept.isOld()) {
                all.remove();
                old.add(kept);
            }
        }
        old.forEach(Clusters::close);
    }

    /** The next who asks makes a new connection. */
    private static void leave(Key key, Kept kept) {
        synchronized (OPEN) {
            kept.isLeft = true;
            OPEN.remove(key, kept);
        }
    }

    private static void release(Kept kept) {
        synchronized (OPEN) {
            kept.users--;
            kept.last = System.nanoTime();
            if (kept.users == 0 && kept.isLeft) {
                close(kept);
            }
        }
    }

    /** It may wait for the cluster. */
    private static void close(Kept kept) {
        var _ = Thread.ofPlatform().daemon().name("ceph-closing").start(kept.cluster::close);
    }
}
