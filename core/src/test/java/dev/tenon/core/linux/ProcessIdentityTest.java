package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcessIdentityTest {
    private final ProcessIdentity own = ProcessIdentity.own();

    @Test
    void thisProcessRunsAndIsReadFromItsText() {
        assertThat(own.pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(own.hasEnded()).isFalse();
        assertThat(ProcessIdentity.parse(own.toString())).contains(own);
    }

    @Test
    void aProcessThatEndedHasEnded() throws IOException, InterruptedException {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();

        assertThat(new ProcessIdentity(own.node(), own.boot(), process.pid(), own.start()).hasEnded())
                .isTrue();
    }

    @Test
    void aLaterProcessWithItsNumberIsAnother() {
        assertThat(new ProcessIdentity(own.node(), own.boot(), own.pid(), own.start() - 1).hasEnded())
                .isTrue();
    }

    @Test
    void noProcessOutlivesABoot() {
        assertThat(new ProcessIdentity(own.node(), "00000000", own.pid(), own.start()).hasEnded())
                .isTrue();
    }

    @Test
    void nothingIsKnownOfAProcessOfAnotherNode() {
        ProcessIdentity other = new ProcessIdentity("another", "00000000", own.pid(), own.start());

        assertThat(other.isOfThisNode()).isFalse();
        assertThat(other.hasEnded()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "node", "node_00000000_1", "node_00000000_x_1", "no/de_00000000_1_1", "node_00000000_0_1"})
    void otherTextIsNoProcess(String text) {
        assertThat(ProcessIdentity.parse(text)).isEmpty();
    }
}
