package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProcessGroupTest {
    @Test
    void childrenThatHaveLostTheirParentEndWithTheirGroup() throws Exception {
        Process leader = new ProcessBuilder("setsid", "sh", "-c", "sleep 600 & echo $!; wait").start();
        try (BufferedReader out = leader.inputReader()) {
            ProcessHandle child =
                    ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
            leader.destroyForcibly().waitFor();
            assertThat(child.isAlive()).isTrue();

            assertThat(ProcessGroup.terminate(leader.pid())).isTrue();
            child.onExit().get(20, TimeUnit.SECONDS);
            assertThat(ProcessGroup.kill(leader.pid())).isFalse();
        }
    }

    @Test
    void noGroupOfAllProcessesIsMeant() {
        assertThatThrownBy(() -> ProcessGroup.kill(1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ProcessGroup.kill(0)).isInstanceOf(IllegalArgumentException.class);
    }
}
