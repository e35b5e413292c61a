package dev.tenon.it.storpool;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What goes wrong on request. */
public final class Faults {
    /** A way to go wrong. */
    public enum Kind {
        /** The call is made, and its answer comes late. */
        SLOW,
        /** Nothing is done, and the answer is HTTP status 500 with a page that is no JSON. */
        ERROR,
        /** The call is made, and its answer ends in the middle. */
        CUT,
        /** The call is made, and the connection ends without an answer. */
        LOST,
        /** A device is attached and never appears. */
        LOST_ATTACH,
        /** The object is busy: nothing is detached, reverted or deleted. */
        BUSY;

        static Kind ofWord(String word) {
            try {
                return valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
            } catch (IllegalArgumentException e) {
                throw ApiError.invalid("no fault is called '" + word + "'");
            }
        }
    }

    /**
     * Something that goes wrong.
     *
     * @param call the first word of the call's path, null for any
     * @param times how often; one that happens to no call waits for the next
     * @param millis how late a slow answer is
     */
    public record Fault(Kind kind, @Nullable String call, int times, long millis) {}

    private final List<Fault> waiting = new ArrayList<>();

    public synchronized void add(Fault fault) {
        waiting.add(fault);
    }

    /** The next call of this name, null for any, goes wrong once. */
    public void next(Kind kind, @Nullable String call) {
        add(new Fault(kind, call, 1, 0));
    }

    public synchronized void clear() {
        waiting.clear();
        notifyAll();
    }

    /** What goes wrong with this call, which is then over once more. */
    synchronized Optional<Fault> take(String call, Kind... kinds) {
        List<Kind> wanted = List.of(kinds);
        for (Iterator<Fault> each = waiting.iterator(); each.hasNext(); ) {
            Fault fault = each.next();
            if (wanted.contains(fault.kind())
                    && (fault.call() == null || fault.call().equals(call))) {
                each.remove();
                if (fault.times() > 1) {
                    waiting.add(new Fault(fault.kind(), fault.call(), fault.times() - 1, fault.millis()));
                }
                return Optional.of(fault);
            }
        }
        return Optional.empty();
    }

    /** Waits as long as this fault says, or until all are cleared. */
    synchronized void delay(Fault fault) throws InterruptedException {
        long end = System.nanoTime() + fault.millis() * 1_000_000;
        for (long left = fault.millis(); left > 0; left = (end - System.nanoTime()) / 1_000_000) {
            wait(left);
            if (waiting.isEmpty()) {
                return;
            }
        }
    }
}
