package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.it.support.TransferProgram;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Streams of volumes whose file crosses as a descriptor: from Java to a Perl plugin, and from Perl through Java to one. */
class TransferTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Transfer WHOLE = new Transfer(null, null, false);
    private static final int SIZE = 3_000_001;

    /** A whole stream: the size and so many bytes. */
    private static byte[] content() {
        byte[] noise = new byte[SIZE];
        new Random(7).nextBytes(noise);
        return ByteBuffer.allocate(Long.BYTES + SIZE)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(SIZE)
                .put(noise)
                .array();
    }

    @Test
    void javaDrivesAPluginThatStreamsByPrograms(Scratch scratch) throws Exception {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("StreamingPlugin.pm"));
        Storage storage = host.storage();
        byte[] content = content();
        Files.write(scratch.storage().resolve("volume"), content);

        try (Descriptor.Pipe pipe = Descriptor.pipe();
                FileInputStream in =
                        new FileInputStream("/proc/self/fd/" + pipe.read().number())) {
            CompletableFuture<Void> exporting = CompletableFuture.runAsync(() -> {
                try (DescriptorExport stream = new DescriptorExport(pipe.write(), StreamSettings.USUAL)) {
                    host.plugin().exportVolume(storage, new VolumeName("volume"), "raw+size", WHOLE, stream);
                }
            });
            assertThat(in.readAllBytes()).isEqualTo(content);
            exporting.join();
        }

        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            OutputStream out =
                    new FileOutputStream("/proc/self/fd/" + pipe.write().number());
            pipe.write().close();
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                try (out) {
                    out.write(content);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            try (DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL)) {
                assertThat(host.plugin()
                                .importVolume(storage, new VolumeName("made"), "raw+size", WHOLE, false, stream))
                        .hasToString("nas:made");
            }
            writing.join();
        }
        assertThat(scratch.storage().resolve("made")).hasBinaryContent(content);
    }

    @Test
    void anAdoptedPluginIsDrivenByPerlThroughJava(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("StreamingPlugin.pm"));
        PerlCaller host = PerlCaller.start(scratch).calling("streaming");
        Map<String, Object> scfg =
                Map.of("type", "streaming", "path", scratch.storage().toString());
        byte[] content = content();
        Files.write(scratch.storage().resolve("volume"), content);
        Path file = scratch.file("exported");
        host.nothing("status", "nas", scfg, Map.of());
        long before = open(daemon.pid());

        host.nothing("volume_export", scfg, "nas", Map.of("$write", file.toString()), "volume", "raw+size")
                .value();
        assertThat(file).hasBinaryContent(content);
        assertThat(host.scalar("volume_import", scfg, "nas", Map.of("$read", file.toString()), "made", "raw+size")
                        .value())
                .isEqualTo("nas:made");
        assertThat(scratch.storage().resolve("made")).hasBinaryContent(content);
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(open(daemon.pid())).isEqualTo(before));
    }

    @Test
    void aTransferEndsWithTheProgramThatWantedIt(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("StreamingPlugin.pm"));
        PerlCaller host = PerlCaller.start(scratch).calling("streaming");
        List<ProcessHandle> programs = endless(scratch, daemon, host);

        ProcessHandle.of(host.program().pid()).orElseThrow().destroyForcibly();

        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .until(() -> programs.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void whatASidecarStartedEndsWithIt(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("StreamingPlugin.pm"));
        PerlCaller host = PerlCaller.start(scratch).calling("streaming");
        List<ProcessHandle> programs = endless(scratch, daemon, host);

        daemon.members().forEach(ProcessHandle::destroyForcibly);

        assertThat(host.answer().died()).contains("was ended by signal 9 (SIGKILL)");
        Awaitility.await().atMost(PATIENCE).until(() -> programs.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void aPluginThatLeavesItToItsBaseClassStreams(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("SuperPlugin.pm"));
        Path images = scratch.storage().resolve("images");
        byte[] stream = content();
        byte[] image = Arrays.copyOfRange(stream, Long.BYTES, stream.length);
        Files.write(Files.createDirectories(images.resolve("100")).resolve("vm-100-disk-0.raw"), image);
        Files.createDirectories(images.resolve("101"));

        TransferProgram export = TransferProgram.exporting(scratch, "supertest", "100/vm-100-disk-0.raw", "raw+size");
        byte[] exported = export.output().readAllBytes();
        assertThat(export.awaitEnd()).as(export.errors()).isZero();
        TransferProgram incoming = TransferProgram.importing(scratch, "supertest", "101/vm-101-disk-0.raw", "raw+size");
        try (OutputStream input = incoming.input()) {
            input.write(exported);
        }

        assertThat(incoming.said()).isEqualTo("nas:101/vm-101-disk-0.raw\n");
        assertThat(incoming.awaitEnd()).as(incoming.errors()).isZero();
        assertThat(images.resolve("101/vm-101-disk-0.raw")).hasBinaryContent(image);
        // PVE rounds up to sectors what it says.
        assertThat(Arrays.copyOfRange(exported, Long.BYTES, exported.length)).isEqualTo(image);
        assertThat(daemon.log()).contains("it exports").contains("it imports");
    }

    @Test
    void howFarATransferHasComeIsPrintedWherePveReadsIt(Scratch scratch) throws Exception {
        DaemonProcess.start(scratch);
        byte[] stream = content();
        Path image =
                Files.createDirectories(scratch.storage().resolve("images/100")).resolve("vm-100-disk-0.raw");
        Files.write(image, Arrays.copyOfRange(stream, Long.BYTES, stream.length));

        TransferProgram export = TransferProgram.exporting(scratch, "dir", "100/vm-100-disk-0.raw", "raw+size");

        Awaitility.await().atMost(PATIENCE).until(() -> export.errors().contains("transferred "));
        assertThat(export.output().readAllBytes()).isEqualTo(stream);
        assertThat(export.awaitEnd()).isZero();
        assertThat(export.errors()).matches("(transferred [\\d.]+ [KM]iB of 2\\.86 MiB \\([\\d.]+ %\\).*\\n)+");
    }

    /** Begins an export that does not end by itself; returns the programs that write it. */
    private static List<ProcessHandle> endless(Scratch scratch, DaemonProcess daemon, PerlCaller host) {
        Map<String, Object> scfg =
                Map.of("type", "streaming", "path", scratch.storage().toString());
        host.begin("void", "volume_export", scfg, "nas", Map.of("$write", "/dev/null"), "endless", "raw+size");
        Awaitility.await().atMost(PATIENCE).until(() -> !programs(daemon).isEmpty());
        return programs(daemon);
    }

    private static List<ProcessHandle> programs(DaemonProcess daemon) {
        return daemon.sidecars().stream()
                .flatMap(ProcessHandle::children)
                .filter(child -> child.info().command().orElse("").endsWith("/dd"))
                .toList();
    }

    private static long open(long pid) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return descriptors.count();
        }
    }
}
