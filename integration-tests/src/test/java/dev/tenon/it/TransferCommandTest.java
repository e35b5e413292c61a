package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Images;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Volumes as streams, from a shell. */
class TransferCommandTest {
    private static final int MEBI = 1 << 20;
    private static final String IMPORTED = "successfully imported '%s'\n";
    private static final String IMAGE = "fast:100/vm-100-disk-0.raw";

    @SuppressWarnings("NullAway.Init")
    private Scratch scratch;

    @SuppressWarnings("NullAway.Init")
    private StorageCommands tenon;

    private Path other = Path.of("");

    @BeforeEach
    void storages(Scratch given) throws IOException {
        scratch = given;
        tenon = StorageCommands.withDirectory(scratch, "fast");
        other = Files.createDirectory(scratch.file("other"));
        tenon.write(tenon.written().replace("content images,iso,backup", "content images,rootdir,iso")
                + "dir: other\n\tpath " + other + "\n\tcontent images,rootdir,iso\n\n");
        tenon.said("storage", "activate", "fast");
        tenon.said("storage", "activate", "other");
    }

    private ProcessBuilder command(String errors, String... words) {
        ProcessBuilder command = new ProcessBuilder(Installation.tenonCommand(scratch.temporary(), tenon.all(words)))
                .redirectInput(new File("/dev/null"))
                .redirectError(scratch.file(errors).toFile());
        command.environment().put("TENON_LOG", "error");
        command.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());
        return command;
    }

    private String errors(String name) {
        try {
            return Files.readString(scratch.file(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Through a pipe from one process to the other; returns what the import says. */
    private String piped(String from, String to, String... options) throws IOException, InterruptedException {
        ProcessBuilder export = command("export-errors", words(List.of("export", from), options));
        ProcessBuilder incoming = command("import-errors", words(List.of("import", to, "-"), options))
                .redirectInput(ProcessBuilder.Redirect.PIPE);
        List<Process> processes =
                ProcessBuilder.startPipeline(List.of(export.redirectOutput(ProcessBuilder.Redirect.PIPE), incoming));
        String said = new String(processes.getLast().getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(processes.getLast().waitFor()).as(errors("import-errors")).isZero();
        assertThat(processes.getFirst().waitFor()).as(errors("export-errors")).isZero();
        return said;
    }

    private static String[] words(List<String> words, String... more) {
        return Stream.concat(words.stream(), Arrays.stream(more)).toArray(String[]::new);
    }

    private String sparseImage() throws IOException {
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "64M");
        Images.fill(file(image), "raw", 0x5a);
        return image;
    }

    private Path file(String volume) {
        return Path.of(tenon.line("volume", "path", volume));
    }

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    @Test
    void aSparseRawImageArrivesAsItWas() throws Exception {
        String image = sparseImage();

        assertThat(piped(image, "other:100/vm-100-disk-0.raw", "--checksum"))
                .isEqualTo(IMPORTED.formatted("other:100/vm-100-disk-0.raw"));

        Path copy = file("other:100/vm-100-disk-0.raw");
        assertThat(Files.mismatch(copy, file(image))).isEqualTo(-1);
        assertThat(Integer.parseInt(output("stat", "-c", "%b", copy.toString()).strip()) * 512L)
                .isLessThan(2 * MEBI);
        String sum = errors("export-errors");
        assertThat(sum)
                .matches("sha256  [0-9a-f]{64}  " + (64 * MEBI + 8) + "\n")
                .isEqualTo(errors("import-errors"));
    }

    private static String output(String... words) throws IOException {
        return new String(
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .start()
                        .getInputStream()
                        .readAllBytes(),
                StandardCharsets.UTF_8);
    }

    @Test
    void aQcow2ImageArrivesWithItsSnapshotsOrAsARawDisk() throws Exception {
        String image = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "64M", "--format", "qcow2");
        Images.fill(file(image), "qcow2", 0x5a);
        tenon.said("volume", "snapshot", image, "before");

        piped(image, "other:100/vm-100-disk-0.qcow2", "--with-snapshots");
        assertThat(tenon.said("volume", "snapshots", "other:100/vm-100-disk-0.qcow2", "--names"))
                .isEqualTo("before\n");
        assertThat(Images.isFilled(file("other:100/vm-100-disk-0.qcow2"), "qcow2", 0x5a))
                .isTrue();

        piped(image, "other:100/vm-100-disk-1.raw");
        assertThat(file("other:100/vm-100-disk-1.raw")).hasSize(64L * MEBI);
        assertThat(Images.isFilled(file("other:100/vm-100-disk-1.raw"), "raw", 0x5a))
                .isTrue();
    }

    @Test
    void anIsoAndTheFilesOfAContainerArrive() throws Exception {
        byte[] content = "an installer".repeat(100_000).getBytes(StandardCharsets.UTF_8);
        Files.write(scratch.storage().resolve("template/iso/small.iso"), content);
        Path container = Files.createDirectories(scratch.storage().resolve("images/200/subvol-200-disk-0.subvol"));
        Files.writeString(Files.createDirectory(container.resolve("etc")).resolve("hostname"), "ct\n");

        piped("fast:iso/small.iso", "other:iso/same.iso");
        assertThat(other.resolve("template/iso/same.iso")).hasBinaryContent(content);

        piped("fast:200/subvol-200-disk-0.subvol", "other:200/subvol-200-disk-0.subvol");
        assertThat(other.resolve("images/200/subvol-200-disk-0.subvol/etc/hostname"))
                .hasContent("ct\n");
    }

    @Test
    void aFileHasTheStreamThatAPipeHasAndItsChecksum() throws Exception {
        String image = sparseImage();
        Path file = scratch.file("image.stream");

        Process export =
                command("export-errors", "export", image, "-", "--quiet").start();
        byte[] stream = export.getInputStream().readAllBytes();
        assertThat(export.waitFor()).isZero();
        TenonCommand toFile = tenon.run("export", image, file.toString(), "--checksum");

        assertThat(toFile.status()).as(toFile.errors()).isZero();
        assertThat(toFile.said()).isEmpty();
        assertThat(toFile.errors()).isEqualTo("sha256  " + sha256(stream) + "  " + stream.length + "\n");
        assertThat(file).hasBinaryContent(stream);
        assertThat(ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN).getLong())
                .isEqualTo(64L * MEBI);

        failed(
                1,
                "'" + file + "' exists; name another file, or write over it with --force",
                "export",
                image,
                file.toString());
        Files.writeString(file, "old");
        tenon.said("export", image, file.toString(), "--force", "--quiet");
        assertThat(file).hasBinaryContent(stream);
        assertThat(tenon.said("import", "other:300/vm-300-disk-7.raw", file.toString()))
                .isEqualTo(IMPORTED.formatted("other:300/vm-300-disk-7.raw"));
        assertThat(tenon.said("import", "other:300/vm-300-disk-7.raw", file.toString(), "--allow-rename"))
                .isEqualTo(IMPORTED.formatted("other:300/vm-300-disk-0.raw"));
    }

    private void failed(int status, String reason, String... words) {
        List<String> before = Scratch.files(scratch.root().resolve("store"));
        TenonCommand command = tenon.run(words);
        assertThat(command.errors()).as("errors of %s", List.of(words)).contains(reason);
        assertThat(command.errors().lines().filter(line -> line.startsWith("tenon: ")))
                .hasSize(1);
        assertThat(command.said()).isEmpty();
        assertThat(command.status()).as("status of %s", List.of(words)).isEqualTo(status);
        assertThat(Scratch.files(scratch.root().resolve("store"))).isEqualTo(before);
    }

    @Test
    void whatIsWrongIsToldInOneSentence() throws IOException {
        String image = sparseImage();
        Path garbage = Files.write(scratch.file("garbage"), new byte[100]);
        failed(2, "unable to parse volume ID 'nothing'", "export", "nothing", "-");
        failed(1, "storage 'slow' does not exist", "export", "slow:100/vm-100-disk-0.raw", "-");
        failed(1, "vm-100-disk-9.raw", "export", "fast:100/vm-100-disk-9.raw", "-");
        failed(
                1,
                "cannot export volume '" + IMAGE + "' in format 'zfs'; choose one of raw+size",
                "export",
                image,
                "-",
                "--format",
                "zfs");
        failed(1, "has no stream format for it", "export", image, "-", "--with-snapshots");
        failed(2, "--bwlimit -1 is no number of KiB", "export", image, "-", "--bwlimit", "-1");
        failed(2, "--stall 0 is no number of seconds", "export", image, "-", "--stall", "0");
        failed(1, "is a directory; name a file", "export", image, scratch.root().toString());
        failed(1, "there is no file '/nonexistent/x'", "import", "fast:100/vm-100-disk-5.raw", "/nonexistent/x");
        failed(1, "already exists", "import", image, garbage.toString());
        failed(1, "it ended inside its first eight bytes", "import", "fast:100/vm-100-disk-5.raw", "-");
        failed(1, "more came than the 0 bytes", "import", "fast:100/vm-100-disk-5.raw", garbage.toString());
        failed(
                1,
                "cannot migrate from storage type 'dir' to 'dir'",
                "copy",
                image,
                "fast:iso/x.iso",
                "--with-snapshots");
        failed(1, "already exists", "copy", image, image);
    }

    @Test
    void aTerminalGetsNoImage() throws IOException, InterruptedException {
        String image = sparseImage();
        assertThat(onATerminal("export", image))
                .contains("tenon: would write an image to the terminal; name a file or pipe it");
        assertThat(onATerminal("import", "fast:100/vm-100-disk-5.raw"))
                .contains("tenon: would read an image from the terminal");
    }

    private String onATerminal(String... words) throws IOException, InterruptedException {
        StringBuilder line = new StringBuilder();
        Installation.tenonCommand(scratch.temporary(), tenon.all(words))
                .forEach(word -> line.append('\'').append(word).append("' "));
        Process script = new ProcessBuilder("script", "-qec", line.toString(), "/dev/null")
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .start();
        String shown = new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(script.waitFor()).as(shown).isEqualTo(2);
        return shown;
    }

    @Test
    void anExportThatIsCancelledEndsAndLeavesNoFile() throws Exception {
        String image = sparseImage();
        Path pipe = scratch.file("pipe");
        Process export = command("export-errors", "export", image, "-").start();
        assertThat(export.getInputStream().readNBytes(MEBI)).hasSize(MEBI);
        interrupt(export);
        assertThat(export.waitFor()).isEqualTo(130);
        assertThat(errors("export-errors"))
                .startsWith("tenon: the export of volume '" + image + "' was cancelled after ")
                .contains("CANCELLED");

        Process toFile = command("export-errors", "export", image, pipe.toString(), "--bwlimit", "64")
                .start();
        await().atMost(Duration.ofSeconds(60)).until(() -> isBegun(".pipe.tenon-"));
        interrupt(toFile);
        assertThat(toFile.waitFor()).isEqualTo(130);
        assertThat(Scratch.files(scratch.root())).noneMatch(file -> file.contains("pipe"));
    }

    private boolean isBegun(String name) throws IOException {
        try (Stream<Path> files = Files.list(scratch.root())) {
            return files.filter(file -> file.toString().contains(name))
                    .anyMatch(file -> file.toFile().length() > 0);
        }
    }

    private static void interrupt(Process process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }

    private Process importInMidStream() throws IOException {
        Process incoming = command("import-errors", "import", "other:100/vm-100-disk-0.raw")
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .start();
        OutputStream stream = incoming.getOutputStream();
        stream.write(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(64L * MEBI)
                .array());
        byte[] data = new byte[MEBI];
        Arrays.fill(data, (byte) 1);
        for (int i = 0; i < 8; i++) {
            stream.write(data);
        }
        stream.flush();
        await().atMost(Duration.ofSeconds(60)).until(() -> !Scratch.files(other).isEmpty());
        return incoming;
    }

    @Test
    void anImportThatIsCancelledLeavesNothing() throws Exception {
        Process incoming = importInMidStream();
        interrupt(incoming);
        assertThat(incoming.waitFor()).isEqualTo(130);
        assertThat(errors("import-errors"))
                .startsWith("tenon: the import of volume 'other:100/vm-100-disk-0.raw' was cancelled after ")
                .contains("CANCELLED");
        assertThat(Scratch.files(other)).isEmpty();
        assertThat(incoming.getInputStream().readAllBytes()).isEmpty();
    }

    @Test
    void aStreamThatEndsTooEarlyLeavesNothing() throws Exception {
        Process incoming = importInMidStream();
        incoming.getOutputStream().close();
        assertThat(incoming.waitFor()).isOne();
        assertThat(errors("import-errors")).contains("STREAM_BROKEN").contains("bytes too early");
        assertThat(Scratch.files(other)).isEmpty();
    }

    @Test
    void aReaderThatClosesEarlyIsTold() throws Exception {
        String image = sparseImage();
        Process export = command("export-errors", "export", image).start();
        try (InputStream stream = export.getInputStream()) {
            assertThat(stream.readNBytes(MEBI)).hasSize(MEBI);
        }
        assertThat(export.waitFor()).isOne();
        assertThat(errors("export-errors"))
                .startsWith("tenon: the export of volume '" + image + "'")
                .contains("STREAM_BROKEN");
    }

    @Test
    void theLimitIsKept() throws Exception {
        byte[] content = new byte[4 * MEBI];
        Arrays.fill(content, (byte) 7);
        Files.write(scratch.storage().resolve("template/iso/small.iso"), content);
        Process export = command("export-errors", "export", "fast:iso/small.iso", "--bwlimit", "2048")
                .start();
        InputStream stream = export.getInputStream();
        assertThat(stream.readNBytes(8)).hasSize(8);
        long begin = System.nanoTime();
        assertThat(stream.readAllBytes()).hasSize(4 * MEBI);
        assertThat(System.nanoTime() - begin)
                .isGreaterThan(Duration.ofSeconds(1).toNanos());
    }

    @Test
    void aCopyIsOfAnyKindAndConvertsImages() throws Exception {
        String image = sparseImage();
        Files.writeString(scratch.storage().resolve("template/iso/small.iso"), "an installer");
        Path container = Files.createDirectories(scratch.storage().resolve("images/200/subvol-200-disk-0.subvol"));
        Files.writeString(container.resolve("file"), "in a container");

        assertThat(tenon.line("copy", image, "other:101/vm-101-disk-3.qcow2"))
                .isEqualTo("other:101/vm-101-disk-3.qcow2");
        assertThat(Images.isFilled(file("other:101/vm-101-disk-3.qcow2"), "qcow2", 0x5a))
                .isTrue();
        assertThat(tenon.line("copy", "fast:iso/small.iso", "other:iso/other.iso"))
                .isEqualTo("other:iso/other.iso");
        assertThat(other.resolve("template/iso/other.iso")).hasContent("an installer");
        tenon.said("copy", "fast:200/subvol-200-disk-0.subvol", "other:201/subvol-201-disk-0.subvol");
        assertThat(other.resolve("images/201/subvol-201-disk-0.subvol/file")).hasContent("in a container");
    }

    @Test
    void aCopyOnOneFileSystemSharesItsBlocks() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a file system");
        Path image = scratch.file("xfs.img");
        Path mounted = Files.createDirectory(scratch.file("xfs"));
        output("truncate", "-s", "400M", image.toString());
        assumeTrue(output("mkfs.xfs", "-q", image.toString()).isEmpty(), "no xfs can be made here");
        assumeTrue(
                output("mount", "-o", "loop", image.toString(), mounted.toString())
                        .isEmpty(),
                "no xfs can be mounted here");
        try {
            tenon.write(tenon.written() + "dir: shared\n\tpath " + mounted + "\n\tcontent images,iso\n\n");
            tenon.said("storage", "activate", "shared");
            Path iso = Files.write(mounted.resolve("template/iso/a.iso"), new byte[MEBI]);
            String disk = tenon.line("volume", "alloc", "shared", "--vmid", "100", "--size", "8M");
            Images.fill(file(disk), "raw", 0x5a);

            tenon.said("copy", "shared:iso/a.iso", "shared:iso/b.iso");
            tenon.said("copy", disk, "shared:100/vm-100-disk-4.raw");

            for (Path copy : List.of(mounted.resolve("template/iso/b.iso"), file("shared:100/vm-100-disk-4.raw"))) {
                assertThat(output("filefrag", "-v", copy.toString())).contains("shared");
            }
            assertThat(Files.mismatch(iso, mounted.resolve("template/iso/b.iso")))
                    .isEqualTo(-1);
        } finally {
            assertThat(output("umount", mounted.toString())).isEmpty();
        }
    }

    @Test
    void aPerlPluginTakesAndGivesVolumesAndItsWordsAreNotInTheStream() throws Exception {
        String image = sparseImage();
        Path legacy = Files.createDirectory(scratch.file("legacy"));
        String config = tenon.written() + "legacydir: old\n\tpath " + legacy + "\n\tcontent images\n\n";
        tenon = tenon.with(Installation.legacyDirPlugin());
        tenon.write(config);

        assertThat(tenon.line("copy", image, "old:100/vm-100-disk-0.raw")).isEqualTo("old:100/vm-100-disk-0.raw");
        assertThat(tenon.line("copy", "old:100/vm-100-disk-0.raw", "other:100/vm-100-disk-0.raw"))
                .isEqualTo("other:100/vm-100-disk-0.raw");
        assertThat(Files.mismatch(file(image), other.resolve("images/100/vm-100-disk-0.raw")))
                .isEqualTo(-1);

        Process export =
                command("export-errors", "export", "old:100/vm-100-disk-0.raw").start();
        byte[] stream = export.getInputStream().readAllBytes();
        assertThat(export.waitFor()).as(errors("export-errors")).isZero();
        assertThat(stream).hasSize(64 * MEBI + 8);
        try (InputStream plain = Files.newInputStream(file(image));
                InputStream sent = new ByteArrayInputStream(stream, 8, stream.length - 8)) {
            assertThat(sent).hasSameContentAs(plain);
        }
    }
}
