package dev.tenon.cli.host;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What Ctrl-C does, and a request to end: the work is interrupted and the process ends when it has cleaned up, with the
 * exit status that the Java runtime takes from the signal, 130 or 143.
 */
public final class Interruption {
    /** A disk that does not answer must not keep the process for ever. */
    private static final Duration LONGEST_CLEANUP = Duration.ofSeconds(60);

    private Interruption() {}

    /** Does the work in this thread, which is interrupted when the process is told to end. */
    public static <T> T guard(Callable<T> work) throws Exception {
        Thread worker = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        Thread hook = new Thread(() -> {
            worker.interrupt();
            try {
                if (!ended.await(LONGEST_CLEANUP.toMillis(), TimeUnit.MILLISECONDS)) {
                    System.err.println("tenon: the work that was cancelled does not end; look what is left of it");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return work.call();
        } finally {
            ended.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // the process is ending already
            }
        }
    }
}
