package dev.tenon.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.SynchronousQueue;
import org.junit.jupiter.api.Test;

class LastKnownTest {
    private final SynchronousQueue<String> answers = new SynchronousQueue<>();

    private LastKnown<String> known(Duration patience) {
        return new LastKnown<>("asking", this::answer, "nothing", patience);
    }

    private String answer() {
        try {
            return answers.take();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatWasFoundOutLastStandsWhileTheSourceHangs() throws InterruptedException {
        LastKnown<String> known = known(Duration.ofNanos(1));
        assertThat(known.isLate()).isFalse();
        assertThat(known.get()).isEqualTo("nothing");
        assertThat(known.isLate()).isTrue();

        answers.put("one");
        while (known.isLate()) {
            Thread.onSpinWait();
        }
        assertThat(known.get()).isEqualTo("one");
        assertThat(known.get()).isEqualTo("one");
        answers.put("two");
        while (known.isLate()) {
            Thread.onSpinWait();
        }

        assertThat(known.get()).isEqualTo("two");
        answers.put("the end");
    }

    @Test
    void aSourceThatAnswersIsWaitedFor() throws InterruptedException {
        Thread answering = Thread.ofVirtual().start(() -> {
            try {
                answers.put("one");
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });

        assertThat(known(Duration.ofMinutes(1)).get()).isEqualTo("one");

        answering.join();
    }

    @Test
    void aSourceThatFailsLeavesWhatIsKnown() {
        LastKnown<String> known = new LastKnown<>(
                "failing",
                () -> {
                    throw new IllegalStateException("no");
                },
                "nothing",
                Duration.ofMinutes(1));

        assertThat(known.get()).isEqualTo("nothing");
        assertThat(known.isLate()).isFalse();
    }
}
