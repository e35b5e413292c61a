package dev.tenon.bridge.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class LargeAnswersTest {
    private static final int AT_ONCE = Math.max(2, Runtime.getRuntime().availableProcessors());
    private static final int LARGE = 1 << 20;
    private static final int SMALL = 1 << 10;

    private final LargeAnswers answers = new LargeAnswers();
    private final List<Call> begun = new ArrayList<>();
    private final Queue<Runnable> later = new ArrayDeque<>();

    private final class Call implements LargeAnswers.Entrant {
        private final String client;
        private final LargeAnswers.Turn turn;
        private boolean isRead = true;

        Call(String client, String kind) {
            this.client = client;
            this.turn = answers.of(kind);
        }

        @Override
        public Object connection() {
            return client;
        }

        @Override
        public boolean isRead() {
            return isRead;
        }

        @Override
        public void proceed() {
            begun.add(this);
        }

        @Override
        public void later(Duration delay, Runnable task) {
            later.add(task);
        }

        Call waiting() {
            assertThat(turn.enter(this)).isFalse();
            return this;
        }
    }

    private void isKnown(String kind, int bytes) {
        new Call("first", kind).waiting().turn.leave(bytes);
        begun.clear();
    }

    @Test
    void whatWasSmallTheLastTimeNeedsNoTurn() {
        isKnown("few", SMALL);
        for (int i = 0; i < 10 * AT_ONCE; i++) {
            Call call = new Call("a", "few");
            assertThat(call.turn.enter(call)).isTrue();
        }
    }

    @Test
    void onlyAFewLargeOnesAreMadeAtOnceAndConnectionsTakeTurns() {
        isKnown("many", LARGE);
        for (int i = 0; i < AT_ONCE + 5; i++) {
            new Call("greedy", "many").waiting();
        }
        Call other = new Call("other", "many").waiting();
        assertThat(begun).hasSize(AT_ONCE).doesNotContain(other);

        begun.get(0).turn.leave(LARGE);
        begun.get(1).turn.leave(LARGE);
        assertThat(begun).hasSize(AT_ONCE + 2).contains(other);
    }

    @Test
    void nothingIsMadeForOneThatDoesNotReadUntilItDoes() {
        isKnown("many", LARGE);
        Call deaf = new Call("deaf", "many");
        deaf.isRead = false;
        deaf.waiting();
        Call other = new Call("other", "many").waiting();
        assertThat(begun).containsExactly(other);

        deaf.isRead = true;
        later.remove().run();
        assertThat(begun).containsExactly(other, deaf);
    }

    @Test
    void whatNothingIsKnownOfGoesOneAtATimeBesideTheOthers() {
        isKnown("many", LARGE);
        Call unknown = new Call("a", "hung").waiting();
        Call next = new Call("a", "hung").waiting();
        assertThat(begun).containsExactly(unknown);
        for (int i = 0; i < AT_ONCE; i++) {
            assertThat(begun).contains(new Call("b", "many").waiting());
        }
        unknown.turn.leave(SMALL);
        assertThat(begun).contains(next);
    }

    @Test
    void oneThatIsGivenUpWhileItWaitsNeverBegins() {
        Call unknown = new Call("a", "hung").waiting();
        Call givenUp = new Call("a", "hung").waiting();
        assertThat(unknown.turn.withdraw()).isFalse();
        assertThat(givenUp.turn.withdraw()).isTrue();
        unknown.turn.leave(SMALL);
        assertThat(begun).containsExactly(unknown);
    }
}
