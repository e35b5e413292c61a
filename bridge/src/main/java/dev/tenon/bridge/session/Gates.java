package dev.tenon.bridge.session;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets at most so many calls at once into one storage, so that one that hangs holds only so many threads. The others
 * stand in line, which takes no thread, and connections go in by turns. Where calls stay inside after their time was over,
 * others are turned away at once, but for one now and then that finds out whether the storage answers again.
 */
public final class Gates {
    /** With this many late calls at once, a storage counts as one that does not answer. */
    private static final int SILENT = 3;

    private static final long PROBE_NANOS = Duration.ofSeconds(5).toNanos();

    private final Map<Object, Gate> gates = new ConcurrentHashMap<>();

    /** A call that goes in. */
    interface Entrant extends Runnable {
        /** Those of one connection share its turns. */
        Object connection();

        /** When it came, by {@link System#nanoTime}. */
        long since();
    }

    /**
     * The gate of something, for one call, which says {@link Gate#done} at last.
     *
     * @param key what the call goes into
     * @param name how messages call it, for instance {@code storage 'nas'}
     * @param most how many calls may be inside
     */
    public Gate of(Object key, String name, int most) {
        return Objects.requireNonNull(gates.compute(key, (same, there) -> {
            Gate gate = there == null ? new Gate(key, name, most) : there;
            gate.users++;
            return gate;
        }));
    }

    /**
     * The calls at a gate.
     *
     * @param key what they go into
     * @param inside how many are in
     * @param waiting how many stand in line
     * @param late how many of those inside have used up their time
     * @param oldest for how long the oldest of those inside has been under way
     */
    public record Crowd(Object key, int inside, int waiting, int late, Duration oldest) {}

    /** Where calls are under way now. */
    public List<Crowd> crowds() {
        return gates.values().stream().map(Gate::crowd).toList();
    }

    /** Where the calls of one storage go in. */
    public final class Gate {
        private final Object key;
        private final String name;
        private final int most;

        // guarded by the map
        private int users;

        // guarded by this
        private final Set<Entrant> inside = new HashSet<>();
        private final Set<Entrant> late = new HashSet<>();
        private final Map<Object, Queue<Entrant>> line = new LinkedHashMap<>();
        private long entered;

        private Gate(Object key, String name, int most) {
            this.key = key;
            this.name = name;
            this.most = most;
        }

        /**
         * Lets a call in, or into the line.
         *
         * @return whether it is in; if not, it is run when its turn comes
         * @throws NoEntryException if the storage does not answer those who are inside
         */
        synchronized boolean enter(Entrant entrant) throws NoEntryException {
            long now = System.nanoTime();
            if (late.size() >= Math.min(SILENT, most) && (inside.size() >= most || now - entered < PROBE_NANOS)) {
                throw new NoEntryException(told(now));
            }
            if (inside.size() >= most) {
                line.computeIfAbsent(entrant.connection(), one -> new ArrayDeque<>())
                        .add(entrant);
                return false;
            }
            inside.add(entrant);
            entered = now;
            return true;
        }

        /** A call inside has used up its time. */
        synchronized void late(Entrant entrant) {
            if (inside.contains(entrant)) {
                late.add(entrant);
            }
        }

        /** A call comes out; the next goes in, and has to be run. */
        synchronized @Nullable Entrant leave(Entrant entrant) {
            inside.remove(entrant);
            late.remove(entrant);
            var turns = line.entrySet().iterator();
            if (!turns.hasNext()) {
                return null;
            }
            Map.Entry<Object, Queue<Entrant>> turn = turns.next();
            turns.remove();
            Queue<Entrant> others = turn.getValue();
            Entrant next = others.remove();
            if (!others.isEmpty()) {
                line.put(turn.getKey(), others);
            }
            inside.add(next);
            entered = System.nanoTime();
            return next;
        }

        /**
         * Takes a call out of the line.
         *
         * @return why it did not come in, null if it is no longer in the line
         */
        synchronized @Nullable String withdraw(Entrant entrant) {
            Queue<Entrant> own = line.get(entrant.connection());
            if (own == null || !own.remove(entrant)) {
                return null;
            }
            if (own.isEmpty()) {
                line.remove(entrant.connection());
            }
            return told(System.nanoTime());
        }

        private String told(long now) {
            return inside.size() + " calls are inside " + name + ", " + late.size()
                    + " of them beyond their time, and the oldest for "
                    + oldest(now).toSeconds() + " s";
        }

        private Duration oldest(long now) {
            return Duration.ofNanos(
                    inside.stream().mapToLong(one -> now - one.since()).max().orElse(0));
        }

        private synchronized Crowd crowd() {
            return new Crowd(
                    key,
                    inside.size(),
                    line.values().stream().mapToInt(Queue::size).sum(),
                    late.size(),
                    oldest(System.nanoTime()));
        }

        /** The call that asked for this gate no longer needs it. */
        void done() {
            gates.computeIfPresent(key, (same, there) -> {
                there.users--;
                return there.users == 0 ? null : there;
            });
        }
    }

    /** The storage does not answer those who are inside. */
    static final class NoEntryException extends Exception {
        private static final long serialVersionUID = 1;

        NoEntryException(String message) {
            super(message);
        }
    }
}
