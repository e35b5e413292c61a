package dev.tenon.core.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A question that many ask at once. */
class SharedAnswerTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    @Test
    void manyWhoAskWhileOneIsAnsweredShareTheNextAnswer() throws Exception {
        CountDownLatch going = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        SharedAnswer<Integer> shared = new SharedAnswer<>("question", () -> {
            int number = asked.incrementAndGet();
            if (number == 1) {
                waitFor(going);
            }
            return number;
        });
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<Integer> first = threads.submit(() -> shared.ask(LONG));
            await().atMost(LONG).until(() -> asked.get() == 1);
            List<Future<Integer>> others = new ArrayList<>();
            CountDownLatch began = new CountDownLatch(10);
            for (int i = 0; i < 10; i++) {
                others.add(threads.submit(() -> {
                    began.countDown();
                    return shared.ask(LONG);
                }));
            }
            waitFor(began);
            going.countDown();
            assertThat(first.get()).isEqualTo(1);
            for (Future<Integer> other : others) {
                assertThat(other.get()).as("no answer is older than the asking").isGreaterThan(1);
            }
        }
        assertThat(asked.get()).isLessThan(11);
    }

    @Test
    void oneThatHangsHoldsNobodyAndIsPutOnce() {
        CountDownLatch never = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        SharedAnswer<Integer> shared = new SharedAnswer<>("vgs", () -> {
            asked.incrementAndGet();
            waitFor(never);
            return 1;
        });
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> shared.ask(Duration.ofMillis(20)))
                    .isInstanceOfSatisfying(
                            StorageException.class,
                            failure -> assertThat(failure.error()).isEqualTo(StorageError.STORAGE_UNAVAILABLE))
                    .hasMessageStartingWith("vgs does not answer");
        }
        assertThat(asked).hasValue(1);
        never.countDown();
        assertThat(shared.ask(LONG)).isEqualTo(1);
    }

    @Test
    void whatItThrowsComesToAllAndTheNextIsAskedAgain() {
        AtomicInteger asked = new AtomicInteger();
        SharedAnswer<Integer> shared = new SharedAnswer<>("question", () -> {
            if (asked.incrementAndGet() == 1) {
                throw StorageException.refused(StorageError.BAD_RESULT, "nonsense");
            }
            return 7;
        });
        assertThatThrownBy(() -> shared.ask(LONG)).hasMessage("nonsense");
        assertThat(shared.ask(LONG)).isEqualTo(7);
    }

    private static void waitFor(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
