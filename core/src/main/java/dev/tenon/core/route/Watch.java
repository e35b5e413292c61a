package dev.tenon.core.route;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How good the last calls of the new plugin were, of one storage. */
final class Watch {
    private final Deque<Boolean> last = new ArrayDeque<>();
    private final Set<Running> running = new LinkedHashSet<>();
    private int bad;

    /** A call that reads and is under way. */
    static final class Running {
        private final String what;
        private final long begin;

        private Running(String what, long begin) {
            this.what = what;
            this.begin = begin;
        }
    }

    synchronized Running begin(String what, long now) {
        Running call = new Running(what, now);
        running.add(call);
        return call;
    }

    /** Whether it has not been counted yet. */
    synchronized boolean end(Running call) {
        return running.remove(call);
    }

    /**
     * Counts the calls that are late and under way: one that hangs never ends.
     *
     * @return why there are too many bad ones, null if there are not
     */
    synchronized @Nullable String countLate(Bounds bounds, long now) {
        String reason = null;
        while (reason == null && !running.isEmpty()) {
            Running oldest = running.iterator().next();
            if (now - oldest.begin <= bounds.late().toNanos()) {
                break;
            }
            running.remove(oldest);
            reason = count(
                    true, oldest.what + " has not ended within " + bounds.late().toMillis() + " ms", bounds);
        }
        return reason;
    }

    /**
     * Counts a call that has ended.
     *
     * @return why there are too many bad ones, null if there are not
     */
    synchronized @Nullable String count(boolean isBad, String what, Bounds bounds) {
        last.addLast(isBad);
        bad += isBad ? 1 : 0;
        while (last.size() > bounds.of()) {
            bad -= Boolean.TRUE.equals(last.removeFirst()) ? 1 : 0;
        }
        return isBad && bad >= bounds.bad()
                ? bad + " of the last " + last.size() + " calls of the new plugin were bad; the last of them: " + what
                : null;
    }
}
