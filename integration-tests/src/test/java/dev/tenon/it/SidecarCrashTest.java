package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The process of a plugin ends when nobody expects it. */
class SidecarCrashTest {
    private static final Duration AT_ONCE = Duration.ofSeconds(1);

    private static VolumeName volume(String habit) {
        return new VolumeName(habit);
    }

    @Test
    void aKillInTheMiddleOfACallIsToldAtOnceAndTheNextCallHasANewProcess(Scratch scratch) throws Exception {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        PerlStoragePlugin plugin = host.plugin();
        Path ready = scratch.file("ready");
        Storage storage = host.storage("ready", ready.toString());
        Background<SizeInfo> call = Background.of(() -> plugin.volumeSizeInfo(storage, volume("hang"), null));
        Background.awaitReady(ready);

        ProcessHandle process = host.process();
        long killed = System.nanoTime();
        assertThat(process.destroyForcibly()).isTrue();

        StorageException e = call.failure(StorageException.class);
        assertThat(Duration.ofNanos(call.ended() - killed)).isLessThan(AT_ONCE);
        assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e)
                .hasMessage("volume_size_info of storage 'nas', volume 'hang': the plugin was lost: its process "
                        + process.pid() + " was ended by signal 9 (SIGKILL); its last lines: waiting for something;"
                        + " whether the call took effect is not known");

        assertThat(plugin.volumeSizeInfo(storage, volume("plain"), null).used()).isNotNull();
        assertThat(host.process().pid()).isNotEqualTo(process.pid());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "kill, was ended by signal 9 (SIGKILL); its last lines: these are my last words",
        "exit, ended with exit status 7; its last lines: leaving",
        "segv, was ended by signal 11 (SIGSEGV); its last lines: following a wild pointer"
    })
    void howThePluginsProcessEndedIsTold(String habit, String words, Scratch scratch) {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        PerlStoragePlugin plugin = host.plugin();
        StorageException e = catchThrowableOfType(
                StorageException.class, () -> plugin.volumeSizeInfo(host.storage(), volume(habit), null));
        assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e)
                .hasMessageStartingWith(
                        "volume_size_info of storage 'nas', volume '" + habit + "': the plugin was lost: its process ")
                .hasMessageContaining(words)
                .hasMessageEndingWith("whether the call took effect is not known");
        assertThat(plugin.volumeSizeInfo(host.storage(), volume("plain"), null)).isNotNull();
    }

    @Test
    void theEndOfTheProcessIsNoticedThoughAChildOfThePluginHoldsTheConnectionOpen(Scratch scratch) throws IOException {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        Path go = scratch.file("go");
        Storage storage = host.storage("go", go.toString());
        long began = System.nanoTime();
        try {
            assertThatThrownBy(() -> host.plugin().volumeSizeInfo(storage, volume("kill-with-child"), null))
                    .isInstanceOf(StorageException.class)
                    .hasMessageContaining("was ended by signal 9 (SIGKILL); its last lines: not alone");
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(2));
            assertThat(host.plugin().volumeSizeInfo(storage, volume("plain"), null))
                    .isNotNull();
        } finally {
            Files.createFile(go);
        }
    }

    @Test
    void aProcessThatIsKilledWhileIdleIsReplacedByTheNextCall(Scratch scratch) throws Exception {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("TorturePlugin.pm"));
        for (int i = 0; i < 2; i++) {
            ProcessHandle process = host.process();
            process.destroyForcibly();
            process.onExit().get();
            assertThat(host.plugin().volumeSizeInfo(host.storage(), volume("plain"), null))
                    .isNotNull();
        }
    }

    @Test
    void aCrashAtTheStartIsToldWithSignalAndLastWords(Scratch scratch) throws IOException {
        Path file = crashing(scratch);
        Files.createFile(scratch.file("crash"));
        assertThatThrownBy(() -> SidecarHost.start(scratch, file)).isInstanceOfSatisfying(StorageException.class, e -> {
            assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
            assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
            assertThat(e)
                    .hasMessage("plugin CrashingPlugin.pm: its process was ended by signal 9 (SIGKILL) before"
                            + " it said hello; its last lines: not today");
        });
    }

    @Test
    void whereTheFirstMemberEndsBeforeItsHelloNoProcessIsLeft(Scratch scratch) throws IOException {
        Path file = Files.writeString(
                scratch.file("BarrenPlugin.pm"),
                Files.readString(Installation.plugin("TorturePlugin.pm")).replace("TorturePlugin", "BarrenPlugin")
                        + "\nno warnings; *Tenon::Sidecar::Member::serve = sub { POSIX::_exit(7) };\n1;\n");
        assertThatThrownBy(() -> SidecarHost.start(scratch, file))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("ended with exit status 7 before it said hello");
        assertThat(ProcessHandle.current().descendants())
                .noneMatch(process -> List.of(process.info().arguments().orElse(new String[0]))
                        .contains(file.toString()));
    }

    @Test
    void whatAPluginStartedThatDoesNotLoadInTimeEndsWithIt(Scratch scratch) throws IOException {
        String seconds = "86399.73";
        Path file = Files.writeString(
                scratch.file("SlowPlugin.pm"),
                "package PVE::Storage::Custom::SlowPlugin;\nBEGIN { system('sleep', '" + seconds + "') }\n1;\n");
        assertThatThrownBy(() ->
                        SidecarHost.start(scratch, file, settings -> settings.with(Limit.START, Duration.ofSeconds(3))))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("said no hello within 3 s");
        await().until(() -> ProcessHandle.allProcesses()
                .noneMatch(process -> List.of(process.info().arguments().orElse(new String[0]))
                        .contains(seconds)));
    }

    @Test
    void thePauseBeforeANewStartGrowsUntilItNoLongerFitsTheCall(Scratch scratch) throws Exception {
        Path file = crashing(scratch);
        SidecarHost host = SidecarHost.start(
                scratch,
                file,
                settings -> settings.with(Limit.CALL, Duration.ofSeconds(3)).withMembers(1));
        Files.createFile(scratch.file("crash"));
        ProcessHandle process = host.process();
        process.destroyForcibly();
        process.onExit().get();

        List<Long> millis = new ArrayList<>();
        String refusal = "";
        for (int i = 0; i < 10 && refusal.isEmpty(); i++) {
            long began = System.nanoTime();
            StorageException e = catchThrowableOfType(
                    StorageException.class, () -> host.plugin().status(host.storage(), OperationCache.create()));
            assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
            assertThat(e.error()).isEqualTo(StorageError.SIDECAR_FAILED);
            if (e.getMessage().contains("times in a row")) {
                refusal = e.getMessage();
            } else {
                assertThat(e)
                        .hasMessageContaining("status of storage 'nas': plugin CrashingPlugin.pm: its process was"
                                + " ended by signal 9");
                millis.add(Duration.ofNanos(System.nanoTime() - began).toMillis());
            }
        }
        Matcher pause = Pattern.compile(
                        "status of storage 'nas': the plugin ended (\\d+) times in a row and is started again in (\\d+) ms")
                .matcher(refusal);
        assertThat(pause.matches()).as(refusal).isTrue();
        assertThat(Integer.parseInt(pause.group(1))).isEqualTo(millis.size() + 1);
        assertThat(Long.parseLong(pause.group(2))).isGreaterThan(3000);
        // A refused call does not make it longer; else a caller that asks often would keep the plugin from starting.
        assertThatThrownBy(() -> host.plugin().status(host.storage(), OperationCache.create()))
                .hasMessageContaining("the plugin ended " + pause.group(1) + " times in a row");
        // Ended once while idle, then after every start: each call waits for twice as long as the one before.
        assertThat(millis.get(1)).isGreaterThanOrEqualTo(100);
        assertThat(millis.get(2)).isGreaterThanOrEqualTo(200);
        assertThat(millis.get(3)).isGreaterThanOrEqualTo(400);
    }

    private static Path crashing(Scratch scratch) throws IOException {
        return Files.writeString(
                scratch.file("CrashingPlugin.pm"),
                Files.readString(Installation.plugin("TorturePlugin.pm"))
                        .replace("TorturePlugin", "CrashingPlugin")
                        .replace(
                                "use POSIX ();",
                                "BEGIN { if (-e '" + scratch.file("crash")
                                        + "') { print STDERR \"not today\\n\"; kill('KILL', $$) } }\nuse POSIX ();"));
    }
}
