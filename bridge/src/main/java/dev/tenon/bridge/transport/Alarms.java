package dev.tenon.bridge.transport;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks when their time has come. Most are cancelled long before, so setting one wakes nobody unless it is due
 * sooner than the thread would wake by itself.
 */
final class Alarms implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Alarms.class);
    private static final long LONGEST_NANOS = Duration.ofDays(365).toNanos();

    /**
     * While alarms come and go, the thread looks this often; when there are none for a moment, it sleeps until the next.
     */
    private static final long TURN_NANOS = Duration.ofMillis(250).toNanos();

    private final Set<Alarm> set = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private volatile long wakes;
    private volatile boolean isClosed;

    /** Something that will happen unless it is cancelled before. */
    final class Alarm implements Connection.Alarm {
        private final long due;
        private final Runnable task;

        private Alarm(long due, Runnable task) {
            this.due = due;
            this.task = task;
        }

        @Override
        public void cancel() {
            set.remove(this);
        }
    }

    Alarms() {
        wakes = System.nanoTime() + LONGEST_NANOS;
        thread = Thread.ofPlatform().daemon().name("tenon-alarms").start(this::run);
    }

    /**
     * Sets an alarm.
     *
     * @param task must not block
     */
    Alarm after(Duration delay, Runnable task) {
        long nanos = delay.compareTo(Duration.ofNanos(LONGEST_NANOS)) > 0 ? LONGEST_NANOS : delay.toNanos();
        Alarm alarm = new Alarm(System.nanoTime() + nanos, task);
        set.add(alarm);
        // The thread writes when it will wake before it looks at the alarms for the last time.
        if (alarm.due - wakes < 0) {
            LockSupport.unpark(thread);
        }
        return alarm;
    }

    private void run() {
        boolean isBusy = false;
        while (!isClosed) {
            long now = System.nanoTime();
            wakes = now + (isBusy ? TURN_NANOS : LONGEST_NANOS);
            long next = wakes;
            for (Alarm alarm : set) {
                if (alarm.due - now <= 0) {
                    ring(alarm);
                } else if (alarm.due - next < 0) {
                    next = alarm.due;
                }
            }
            isBusy = !set.isEmpty();
            if (isBusy && next - now > TURN_NANOS) {
                next = now + TURN_NANOS;
            }
            wakes = next;
            LockSupport.parkNanos(this, Math.max(1, next - System.nanoTime()));
        }
    }

    private void ring(Alarm alarm) {
        if (!set.remove(alarm)) {
            return;
        }
        try {
            alarm.task.run();
        } catch (RuntimeException | Error e) {
            LOG.error("event=defect where=alarm", e);
        }
    }

    @Override
    public void close() {
        isClosed = true;
        LockSupport.unpark(thread);
    }
}
