package dev.tenon.bridge.perl;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FloodTest {
    private final AtomicLong now = new AtomicLong();
    private final Flood flood = new Flood("Plugin.pm", now::get);

    @Test
    void muchAtOnceIsToldAndMoreIsNotUntilThePluginWasQuietForAWhile() {
        for (int i = 0; i < 8; i++) {
            assertThat(flood.admits(1 << 20)).isTrue();
        }
        assertThat(flood.admits(100)).isFalse();
        now.addAndGet(Duration.ofSeconds(1).toNanos());
        assertThat(flood.admits(100)).isFalse();
        now.addAndGet(Duration.ofSeconds(64).toNanos());
        assertThat(flood.admits(100)).isTrue();
    }

    @Test
    void whatAPluginUsuallyPrintsIsAlwaysTold() {
        for (int second = 0; second < 10_000; second++) {
            assertThat(flood.admits(60_000)).isTrue();
            now.addAndGet(Duration.ofSeconds(1).toNanos());
        }
    }
}
