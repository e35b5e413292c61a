package dev.tenon.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.data.Percentage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CallStatisticsTest {
    private final AtomicLong now = new AtomicLong();
    private final CallStatistics statistics = new CallStatistics(now::get);
    private @Nullable RuntimeException failure;
    private Duration takes = Duration.ZERO;
    private final StoragePlugin plugin = Decorator.decorate(
            new DelegatingPlugin() {
                @Override
                @SuppressWarnings({"unchecked", "NullAway"}) // every call here answers with text
                protected <T extends @Nullable Object> T make(Call<T> call) {
                    now.addAndGet(takes.toNanos());
                    if (failure != null) {
                        throw failure;
                    }
                    return (T) "dir";
                }
            },
            statistics.of("dir"));

    private void call(Duration time) {
        takes = time;
        plugin.type();
    }

    private CallStatistics.Row row() {
        assertThat(statistics.rows()).hasSize(1);
        return statistics.rows().getFirst();
    }

    @Test
    void timesAreOnePercentOffAtMost() {
        for (int i = 1; i <= 1000; i++) {
            call(Duration.ofMillis(i));
        }

        CallStatistics.Row row = row();
        assertThat(row.calls()).isEqualTo(1000);
        assertThat(row.errors()).isEmpty();
        assertThat(row.total()).isEqualTo(Duration.ofMillis(500_500));
        assertThat(row.recent().calls()).isEqualTo(1000);
        assertThat(row.recent().p50().toMillis()).isCloseTo(500, Percentage.withPercentage(1));
        assertThat(row.recent().p99().toMillis()).isCloseTo(990, Percentage.withPercentage(1));
        assertThat(row.recent().longest().toMillis()).isCloseTo(1000, Percentage.withPercentage(1));
    }

    @Test
    void failuresAreCountedByTheirNameAndPassOn() {
        failure = StorageException.refused(StorageError.NOT_FOUND, "no");
        assertThat(catchThrowable(() -> call(Duration.ZERO))).isSameAs(failure);
        assertThat(catchThrowable(() -> call(Duration.ZERO))).isSameAs(failure);
        failure = new IllegalStateException("a fault");
        assertThat(catchThrowable(() -> call(Duration.ZERO))).isSameAs(failure);

        assertThat(row().calls()).isEqualTo(3);
        assertThat(row().errors()).isEqualTo(Map.of("NOT_FOUND", 2L, CallStatistics.FAULT, 1L));
    }

    @Test
    void whatIsLongAgoIsCountedButNotRecent() {
        call(Duration.ofSeconds(9));
        for (int i = 0; i < 3; i++) {
            now.addAndGet(Duration.ofMinutes(5).toNanos());
            statistics.rows();
        }
        call(Duration.ofMillis(1));

        assertThat(row().calls()).isEqualTo(2);
        assertThat(row().recent().calls()).isEqualTo(1);
        assertThat(row().recent().longest()).isLessThan(Duration.ofMillis(2));
    }

    @Test
    void aCallOfMoreThanAnHourCountsAsAnHour() {
        call(Duration.ofDays(2));

        assertThat(row().total()).isEqualTo(Duration.ofDays(2));
        assertThat(row().recent().longest().toMinutes()).isBetween(59L, 61L);
    }

    @Test
    void manyThreadsLoseNoCall() throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int call = 0; call < 20_000; call++) {
                    plugin.type();
                }
            }));
        }
        while (threads.stream().anyMatch(Thread::isAlive)) {
            statistics.rows();
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(row().calls()).isEqualTo(80_000);
        assertThat(row().recent().calls()).isEqualTo(80_000);
    }
}
