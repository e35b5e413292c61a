package dev.tenon.bridge.serve;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Lasting;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects that calls have made, by token. An object goes from one process of a host to another: PVE makes it in one and
 * uses it in a fork. It belongs to the process that called it last, and is released when that has ended. A host that never
 * ends makes more and more of them, so of those that keep nothing only the newest stay; whoever wants an older one makes a
 * new one.
 */
final class ServedObjects implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServedObjects.class);
    private static final int MOST_IDLE = 64;
    private static final int TOKEN_BYTES = 16;

    private final RandomGenerator random = new SecureRandom();
    private final Processes processes = new Processes();
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();

    /** An object, and who has it. */
    final class Entry {
        private final String token;
        private final Lasting object;
        private final @Nullable String plugin;
        private final String storage;
        private final ReentrantLock calling = new ReentrantLock(true);

        // guarded by ServedObjects.this
        private long owner;
        private Processes.@Nullable Watch watch;
        private boolean keeps;
        private int calls;
        private long used;

        private Entry(String token, Lasting object, @Nullable String plugin, String storage) {
            this.token = token;
            this.object = object;
            this.plugin = plugin;
            this.storage = storage;
        }

        @Nullable
        String plugin() {
            return plugin;
        }

        String storage() {
            return storage;
        }

        @Nullable
        Method row(String method) {
            return object.api().table().methods().get(method);
        }

        /** Makes a call, after those that are under way. */
        Value call(IncomingCall call, Caller caller) {
            begin(this, call.peer().pid(), call.method());
            try {
                calling.lock();
                try {
                    return object.callee().call(call.method(), call.params(), caller);
                } finally {
                    calling.unlock();
                }
            } finally {
                end(this, call.method());
            }
        }

        /** A call that is under way has been interrupted by now. */
        private void release(String why) {
            LOG.debug("event=object-released storage={} why=\"{}\"", storage, why);
            calling.lock();
            try {
                object.ending().run();
            } catch (RuntimeException e) {
                LOG.warn("event=object-not-released storage={} reason=\"{}\"", storage, e.getMessage());
            } finally {
                calling.unlock();
            }
        }
    }

    /** Keeps an object that a call has made; its token. */
    String hold(IncomingCall maker, Lasting object, String storage) {
        byte[] bytes = new byte[TOKEN_BYTES];
        random.nextBytes(bytes);
        Entry entry = new Entry(
                HexFormat.of().formatHex(bytes), object, maker.context().plugin(), storage);
        entries.put(entry.token, entry);
        try {
            begin(entry, maker.peer().pid(), "");
        } catch (StorageException e) {
            entries.remove(entry.token, entry);
            entry.release("its process cannot be watched");
            throw new StorageException(e.error(), Outcome.UNKNOWN, e.getMessage(), e);
        }
        end(entry, "");
        releaseIdle();
        return entry.token;
    }

    @Nullable
    Entry get(String token) {
        return entries.get(token);
    }

    /** Whether one of them keeps something, or is being called. */
    synchronized boolean areKept() {
        return entries.values().stream().anyMatch(entry -> entry.keeps || entry.calls > 0);
    }

    /** The same of those that a process has. */
    synchronized boolean areKeptFor(long process) {
        return entries.values().stream().anyMatch(entry -> entry.owner == process && (entry.keeps || entry.calls > 0));
    }

    private synchronized void begin(Entry entry, long process, String method) {
        if (entry.owner != process) {
            // What cannot be watched does not get it.
            Processes.Watch watch = process <= 0 ? null : processes.watch(process, () -> ended(entry, process));
            if (entry.watch != null) {
                entry.watch.close();
            }
            entry.owner = process;
            entry.watch = watch;
        }
        entry.calls++;
        entry.used = System.nanoTime();
        entry.keeps |= entry.object.begins().test(method);
    }

    private synchronized void end(Entry entry, String method) {
        entry.calls--;
        entry.keeps &= !entry.object.ends().test(method);
    }

    private void ended(Entry entry, long process) {
        synchronized (this) {
            if (entry.owner != process || !entries.remove(entry.token, entry)) {
                return;
            }
            if (entry.watch != null) {
                entry.watch.close();
            }
        }
        entry.release("the process " + process + " has ended");
    }

    private void releaseIdle() {
        List<Entry> old;
        synchronized (this) {
            List<Entry> idle = entries.values().stream()
                    .filter(entry -> !entry.keeps && entry.calls == 0)
                    .sorted((one, other) -> Long.compare(other.used, one.used))
                    .toList();
            old = idle.subList(Math.min(MOST_IDLE, idle.size()), idle.size());
            for (Entry entry : old) {
                entries.remove(entry.token, entry);
                if (entry.watch != null) {
                    entry.watch.close();
                }
            }
        }
        old.forEach(entry -> entry.release("there are newer ones"));
    }

    @Override
    public void close() {
        List<Entry> all = List.copyOf(entries.values());
        entries.clear();
        processes.close();
        all.forEach(entry -> entry.release("the daemon is shutting down"));
    }

    /** Runs the action when a process of a caller has ended, until the watch is closed. */
    Processes.Watch watch(long process, Runnable ended) {
        return processes.watch(process, ended);
    }
}
