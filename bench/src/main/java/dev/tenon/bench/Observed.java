package dev.tenon.bench;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.web.Observation;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a daemon with a page does for each call that one without does not: it counts it and notes how long it took. Beside
 * the same plugin with a decorator that does nothing, in this process, with no way there and back.
 */
final class Observed {
    private static final int CALLS = 2_000_000;
    private static final int WARM_UP = 3;
    private static final int ROUNDS = 9;
    private static final Storage STORAGE = Storage.of("bench", "dir", Map.of());
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.qcow2");

    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    private Observed() {}

    static void run(Report report) throws InterruptedException {
        StoragePlugin constant = ConstantStorage.make();
        StoragePlugin plain = Decorator.decorate(constant, (call, next) -> next.get());
        StoragePlugin observed = Objects.requireNonNull(
                new Observation().of(Map.of("dir", constant)).get("dir"));
        report.line("");
        report.line("What the page's figures cost a call, beside a decorator that does nothing");
        for (int threads : new int[] {1, 2, 4}) {
            List<Double> ours = new ArrayList<>();
            List<Double> bare = new ArrayList<>();
            for (int round = 0; round < WARM_UP + ROUNDS; round++) {
                double before = nanos(plain, threads);
                double with = nanos(observed, threads);
                if (round >= WARM_UP) {
                    ours.add(with);
                    bare.add(before);
                }
            }
            report.line(String.format(
                    Locale.ROOT,
                    "  %d threads: %.0f ns of processor time a call, %.0f ns without; the figures cost %.0f ns",
                    threads,
                    median(ours),
                    median(bare),
                    median(ours) - median(bare)));
        }
    }

    /** The processor time of one call. */
    private static double nanos(StoragePlugin plugin, int threads) throws InterruptedException {
        CountDownLatch begin = new CountDownLatch(threads);
        AtomicLong used = new AtomicLong();
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            all.add(Thread.ofPlatform().start(() -> {
                begin.countDown();
                try {
                    begin.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                long before = CLOCK.getCurrentThreadCpuTime();
                for (int call = 0; call < CALLS; call++) {
                    plugin.volumeSizeInfo(STORAGE, VOLUME, null);
                }
                used.addAndGet(CLOCK.getCurrentThreadCpuTime() - before);
            }));
        }
        for (Thread one : all) {
            one.join();
        }
        return (double) used.get() / CALLS / threads;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }
}
