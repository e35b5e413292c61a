package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A plugin that hangs is not waited for longer than its method may take. */
class DeadlineTest {
    private static final VolumeName PLAIN = new VolumeName("plain");
    private static final VolumeName HANG = new VolumeName("hang");

    private static SidecarHost host(Scratch scratch, Duration callLimit) {
        return host(scratch, callLimit, SidecarSettings.USUAL_MEMBERS);
    }

    private static SidecarHost host(Scratch scratch, Duration callLimit, int members) {
        return SidecarHost.start(
                scratch,
                Installation.plugin("TorturePlugin.pm"),
                settings -> settings.with(Limit.CALL, callLimit)
                        .with(Limit.STOP, Duration.ofMillis(500))
                        .withMembers(members));
    }

    @Test
    void aCallThatTakesTooLongFailsAndItsProcessEnds(Scratch scratch) throws Exception {
        SidecarHost host = host(scratch, Duration.ofMillis(1500));
        ProcessHandle process = host.process();
        Storage storage = host.storage("ready", scratch.file("ready").toString());
        StorageException e =
                catchThrowableOfType(StorageException.class, () -> host.plugin().volumeSizeInfo(storage, HANG, null));
        assertThat(e.error()).isEqualTo(StorageError.DEADLINE_EXCEEDED);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e)
                .hasMessage("volume_size_info of storage 'nas', volume 'hang': the plugin did not answer within"
                        + " 1500 ms; its process " + process.pid() + " is being stopped");
        process.onExit().get(10, TimeUnit.SECONDS);
        assertThat(host.plugin().volumeSizeInfo(storage, PLAIN, null)).isNotNull();
        assertThat(host.process().pid()).isNotEqualTo(process.pid());
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"hang-deaf, 1", "hang-stone, 1", "hang-deaf, 16", "hang-stone, 16"})
    void aProcessThatIgnoresBeingAskedToEndEndsAndACallInLineDidNotStartOrWorks(
            String habit, int members, Scratch scratch) throws Exception {
        SidecarHost host = host(scratch, Duration.ofSeconds(3), members);
        PerlStoragePlugin plugin = host.plugin();
        ProcessHandle process = host.process();
        Path ready = scratch.file("ready");
        Storage storage = host.storage("ready", ready.toString());
        Background<SizeInfo> deaf = Background.of(() -> plugin.volumeSizeInfo(storage, new VolumeName(habit), null));
        Background.awaitReady(ready);
        Background<String> inLine = Background.of(() -> {
            try {
                return plugin.volumeSizeInfo(storage, PLAIN, null).format().word();
            } catch (StorageException e) {
                return e.outcome() + " " + e.error();
            }
        });
        assertThat(deaf.failure(StorageException.class).outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(inLine.result()).isIn("raw", "NOT_STARTED PLUGIN_BUSY");
        process.onExit().get(10, TimeUnit.SECONDS);
        if (habit.equals("hang-stone")) {
            assertThat(host.log())
                    .anyMatch(line -> line.contains("event=sidecar-killed") && line.contains("pid=" + process.pid()));
        }
        assertThat(plugin.volumeSizeInfo(storage, PLAIN, null)).isNotNull();
    }

    @Test
    void aCallThatWaitedInLineForTooLongDidNotStart(Scratch scratch) throws Exception {
        SidecarHost host = host(scratch, Duration.ofSeconds(60), 1);
        PerlStoragePlugin plugin = host.plugin();
        Path ready = scratch.file("ready");
        Path go = scratch.file("go");
        Storage storage = host.storage("ready", ready.toString(), "go", go.toString());
        Background<SizeInfo> busy = Background.of(() -> plugin.volumeSizeInfo(storage, new VolumeName("wait"), null));
        Background.awaitReady(ready);
        // The identity of a plugin has the shortest limit, two seconds.
        StorageException e = catchThrowableOfType(StorageException.class, plugin::options);
        assertThat(e.error()).isEqualTo(StorageError.PLUGIN_BUSY);
        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
        assertThat(e)
                .hasMessage("options: waited 2 s for the plugin, which is busy with volume_size_info of storage 'nas',"
                        + " volume 'wait'");
        Files.createFile(go);
        assertThat(busy.result().format().word()).isEqualTo("raw");
        assertThat(plugin.options()).containsKey("path");
    }

    @Test
    void interruptingTheCallerCancelsTheCallAndEndsItsProcess(Scratch scratch) throws Exception {
        SidecarHost host = host(scratch, Duration.ofSeconds(60));
        PerlStoragePlugin plugin = host.plugin();
        ProcessHandle process = host.process();
        Path ready = scratch.file("ready");
        Storage storage = host.storage("ready", ready.toString());
        AtomicBoolean stillInterrupted = new AtomicBoolean();
        Background<SizeInfo> call = Background.of(() -> {
            try {
                return plugin.volumeSizeInfo(storage, HANG, null);
            } finally {
                stillInterrupted.set(Thread.currentThread().isInterrupted());
            }
        });
        Background.awaitReady(ready);
        call.interrupt();
        StorageException e = call.failure(StorageException.class);
        assertThat(e.error()).isEqualTo(StorageError.CANCELLED);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e)
                .hasMessage("volume_size_info of storage 'nas', volume 'hang': was cancelled; the plugin's process "
                        + process.pid() + " is being stopped");
        assertThat(stillInterrupted).isTrue();
        process.onExit().get(10, TimeUnit.SECONDS);
        assertThat(plugin.volumeSizeInfo(storage, PLAIN, null)).isNotNull();
    }

    @Test
    void interruptingACallerInLineLeavesTheCallBeforeItAlone(Scratch scratch) throws Exception {
        SidecarHost host = host(scratch, Duration.ofSeconds(60), 1);
        PerlStoragePlugin plugin = host.plugin();
        Path ready = scratch.file("ready");
        Path go = scratch.file("go");
        Storage storage = host.storage("ready", ready.toString(), "go", go.toString());
        long pid = host.process().pid();
        Background<SizeInfo> busy = Background.of(() -> plugin.volumeSizeInfo(storage, new VolumeName("wait"), null));
        Background.awaitReady(ready);
        Background<StorageStatus> inLine = Background.of(() -> plugin.status(storage, OperationCache.create()));
        inLine.awaitWaiting();
        inLine.interrupt();
        StorageException e = inLine.failure(StorageException.class);
        assertThat(e.error()).isEqualTo(StorageError.CANCELLED);
        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
        Files.createFile(go);
        assertThat(busy.result().format().word()).isEqualTo("raw");
        assertThat(host.process().pid()).isEqualTo(pid);
    }
}
