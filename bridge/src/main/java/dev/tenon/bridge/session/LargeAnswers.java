package dev.tenon.bridge.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls whose answers are large take turns, those of all connections: only as many are made at once as there are
 * processors, so that they need memory for no more, and connections go by turns. Nothing is made for one that leaves its
 * answers unread. A call whose last answer was small needs no turn. Calls whose answers are
 * not known yet, or that wait for their storage, go one at a time beside the others, so that a storage that hangs holds up
 * nobody.
 */
public final class LargeAnswers {
    private static final long LARGE_BYTES = 1 << 18;

    /**
     * After this many bytes of answers the garbage is collected; with the copies on the way it is up to three times as
     * much.
     */
    private static final long COLLECTED_BYTES = 48L << 20;

    private static final int AT_ONCE = Math.max(2, Runtime.getRuntime().availableProcessors());

    /** Whatever takes longer waits for something, and needs neither memory nor a processor. */
    private static final long WAITING_NANOS = Duration.ofSeconds(2).toNanos();

    /** The same for a kind of call that has not been answered yet. */
    private static final long UNKNOWN_NANOS = Duration.ofMillis(500).toNanos();

    private static final Duration LOOK = Duration.ofMillis(20);
    private static final int KNOWN = 1024;

    // guarded by this
    private final Map<Object, Long> sizes = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, Long> eldest) {
            return size() > KNOWN;
        }
    };
    private final Map<Turn, Long> making = new LinkedHashMap<>();
    private final Map<Object, List<Turn>> line = new LinkedHashMap<>();
    private boolean isLooking;
    private long madeBytes;

    /** A call that takes a turn. */
    interface Entrant {
        /** Those of one connection share its turns. */
        Object connection();

        /** Whether its connection reads what it is answered. */
        boolean isRead();

        /** Its turn has come. */
        void proceed();

        /** Runs a short task after a while. */
        void later(Duration delay, Runnable task);
    }

    /** The turn of one call. */
    public final class Turn {
        private final Object kind;

        // guarded by the others' lock
        private @Nullable Entrant entrant;
        private boolean isKnown;

        private Turn(Object kind) {
            this.kind = kind;
        }

        /** Whether none is needed; if one is, the entrant will be told when it comes. */
        boolean enter(Entrant one) {
            synchronized (LargeAnswers.this) {
                if (sizes.getOrDefault(kind, LARGE_BYTES) < LARGE_BYTES) {
                    return true;
                }
                entrant = one;
                line.computeIfAbsent(one.connection(), each -> new ArrayList<>())
                        .add(this);
            }
            look();
            return false;
        }

        /** The answer, of so many bytes, is on its way. */
        void leave(int bytes) {
            boolean isMuch;
            synchronized (LargeAnswers.this) {
                making.remove(this);
                if (bytes > 0) {
                    sizes.put(kind, (long) bytes);
                }
                madeBytes += bytes >= LARGE_BYTES ? bytes : 0;
                isMuch = madeBytes >= COLLECTED_BYTES;
                madeBytes = isMuch ? 0 : madeBytes;
            }
            if (isMuch) {
                // The collector would rather let the heap grow to its limit, since large arrays are born old.
                System.gc();
            }
            look();
        }

        /** Whether it was still waited for, and now will not come. */
        boolean withdraw() {
            synchronized (LargeAnswers.this) {
                Entrant one = entrant;
                List<Turn> own = one == null ? null : line.get(one.connection());
                if (one == null || own == null || !own.remove(this)) {
                    return false;
                }
                if (own.isEmpty()) {
                    line.remove(one.connection());
                }
                return true;
            }
        }

        private boolean isOver(long now) {
            return now - making.getOrDefault(this, now) > (isKnown ? WAITING_NANOS : UNKNOWN_NANOS);
        }

        /** Whether it may be made beside what is made now. */
        private boolean canCome() {
            Entrant one = entrant;
            if (one == null || !one.isRead()) {
                return false;
            }
            Long size = sizes.get(kind);
            if (size != null && size < LARGE_BYTES) {
                return true;
            }
            isKnown = size != null;
            return isKnown
                    ? making.keySet().stream().filter(turn -> turn.isKnown).count() < AT_ONCE
                    : making.keySet().stream().noneMatch(turn -> turn.kind.equals(kind));
        }
    }

    /**
     * The turn of a call.
     *
     * @param kind calls of one kind have answers of much the same size
     */
    public Turn of(Object kind) {
        return new Turn(kind);
    }

    private void look() {
        for (Entrant next = next(); next != null; next = next()) {
            next.proceed();
        }
    }

    private synchronized @Nullable Entrant next() {
        long now = System.nanoTime();
        for (Turn late :
                making.keySet().stream().filter(turn -> turn.isOver(now)).toList()) {
            making.remove(late);
            sizes.remove(late.kind);
        }
        for (Map.Entry<Object, List<Turn>> waiting : line.entrySet()) {
            for (Turn turn : waiting.getValue()) {
                if (turn.canCome()) {
                    take(waiting.getKey(), waiting.getValue(), turn);
                    making.put(turn, now);
                    return turn.entrant;
                }
            }
        }
        if (!line.isEmpty() && !isLooking) {
            // Nobody tells when an answer was read, or when what is made begins to wait.
            Entrant any = line.values().iterator().next().getFirst().entrant;
            if (any != null) {
                isLooking = true;
                any.later(LOOK, this::lookAgain);
            }
        }
        return null;
    }

    private void lookAgain() {
        synchronized (this) {
            isLooking = false;
        }
        look();
    }

    /** Its connection is the last one then. */
    private void take(Object connection, List<Turn> waiting, Turn turn) {
        waiting.remove(turn);
        line.remove(connection);
        if (!waiting.isEmpty()) {
            line.put(connection, waiting);
        }
    }
}
