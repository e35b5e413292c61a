package dev.tenon.core.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Streams;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams between descriptors. The file is long because every kind of descriptor meets every kind of end. */
class StreamTest {
    private static final int MEBI = 1 << 20;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4095, 4096, 65536, 3L * MEBI + 17, 40L * MEBI + 511})
    void aFileGoesThroughAPipeAndComesOutTheSame(long size) throws Exception {
        Path source = sparse("source", size, 0, size / 2, Math.max(0, size - 5));
        Path target = directory.resolve("target");

        transfer(new StreamSource.Content(source, ByteSize.ofBytes(size)), target, ByteSize.ofBytes(size));

        assertThat(Files.mismatch(source, target)).isEqualTo(-1);
        assertThat(FileStatus.of(target).permissions()).isEqualTo(0640);
    }

    /** What is not among the extents reads as zeroes there, whatever lies in the file. */
    @Test
    void onlyTheExtentsOfASourceAreRead() throws Exception {
        int size = 5 * MEBI + 100;
        byte[] content = new byte[size];
        Arrays.fill(content, (byte) 7);
        Path source = Files.write(directory.resolve("source"), content);
        Path target = directory.resolve("target");
        List<StreamSource.Extent> extents = List.of(
                new StreamSource.Extent(10, 1),
                new StreamSource.Extent(MEBI, 2 * MEBI),
                new StreamSource.Extent(size - 3, 3));

        transfer(new StreamSource.Allocated(source, ByteSize.ofBytes(size), extents), target, ByteSize.ofBytes(size));

        byte[] expected = new byte[size];
        for (StreamSource.Extent extent : extents) {
            Arrays.fill(expected, (int) extent.at(), (int) (extent.at() + extent.length()), (byte) 7);
        }
        assertThat(target).hasBinaryContent(expected);
    }

    @Test
    void holesStayHolesAndAreNotRead() throws Exception {
        Path source = sparse("source", 6L << 30, 1L << 30, 5L << 30, (6L << 30) - 3);
        Path target = directory.resolve("target");

        transfer(new StreamSource.Content(source, ByteSize.ofBytes(6L << 30)), target, ByteSize.ofBytes(6L << 30));

        assertThat(Files.size(target)).isEqualTo(6L << 30);
        assertThat(FileStatus.of(target).allocated()).isLessThan(4L * MEBI);
        try (RandomAccessFile file = new RandomAccessFile(target.toFile(), "r");
                RandomAccessFile original = new RandomAccessFile(source.toFile(), "r")) {
            for (long at : List.of(1L << 30, 5L << 30, (6L << 30) - 3)) {
                file.seek(at);
                original.seek(at);
                assertThat(file.read()).isEqualTo(original.read());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"qcow2, -", "qcow2, -c", "vmdk, -", "qcow2, backing"})
    void aDiskIsWhatTheGuestSees(String format, String how) throws Exception {
        Path raw = sparse("raw", 37L * MEBI, 0, 5L * MEBI + 100, 36L * MEBI);
        Path image = directory.resolve("image with, a comma." + format);
        if (how.equals("backing")) {
            Qemu.run(directory, List.of("qemu-img", "convert", "-O", "qcow2", "raw", "base.qcow2"));
            Qemu.run(
                    directory,
                    List.of(
                            "qemu-img",
                            "create",
                            "-q",
                            "-f",
                            "qcow2",
                            "-b",
                            "base.qcow2",
                            "-F",
                            "qcow2",
                            image.toString()));
            Qemu.run(directory, List.of("qemu-io", "-c", "write -P 9 6M 70k", image.toString()));
            try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
                file.seek(6L * MEBI);
                byte[] written = new byte[70 << 10];
                java.util.Arrays.fill(written, (byte) 9);
                file.write(written);
            }
        } else {
            List<String> convert = new ArrayList<>(List.of("qemu-img", "convert", "-O", format));
            if (how.equals("-c")) {
                convert.add("-c");
            }
            convert.addAll(List.of("raw", image.toString()));
            Qemu.run(directory, convert);
        }
        Path target = directory.resolve("target");

        transfer(
                new StreamSource.Disk(image, (Format.Image) Format.ofWord(format), ByteSize.ofBytes(37L * MEBI)),
                target,
                ByteSize.ofBytes(37L * MEBI));

        assertThat(Files.mismatch(raw, target)).isEqualTo(-1);
    }

    @Test
    void aTreeArrivesWithItsLinksAndModes() throws Exception {
        Path tree = Files.createDirectories(directory.resolve("tree/etc"));
        Files.writeString(tree.resolve("a"), "content");
        Files.createLink(tree.resolve("b"), tree.resolve("a"));
        Files.createSymbolicLink(tree.resolve("c"), Path.of("/nowhere"));
        Path target = Files.createDirectory(directory.resolve("target"));
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            CompletableFuture<Void> export = CompletableFuture.runAsync(() -> {
                try (DescriptorExport stream = new DescriptorExport(pipe.write(), StreamSettings.USUAL)) {
                    stream.send(new StreamSource.Tree(directory.resolve("tree")));
                }
            });
            DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL);

            assertThat(stream.size()).isEqualTo(ByteSize.ofBytes(0));
            stream.receive(new StreamTarget.Tree(target), null);
            export.get(10, TimeUnit.SECONDS);
        }
        assertThat(target.resolve("etc/b")).hasContent("content");
        assertThat(Files.getAttribute(target.resolve("etc/a"), "unix:ino"))
                .isEqualTo(Files.getAttribute(target.resolve("etc/b"), "unix:ino"));
        assertThat(Files.readSymbolicLink(target.resolve("etc/c"))).isEqualTo(Path.of("/nowhere"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bothEndsTellTheSameChecksumAsSha256sum(boolean isToFile) throws Exception {
        Path source = sparse("source", 9L * MEBI + 3, 0, 4L * MEBI);
        byte[] stream = ByteBuffer.allocate(8 + 9 * MEBI + 3)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(9L * MEBI + 3)
                .put(Files.readAllBytes(source))
                .array();
        Path target = directory.resolve("target");
        StreamSettings settings = StreamSettings.USUAL.withChecksum();
        StreamSource content = new StreamSource.Content(source, ByteSize.ofBytes(9L * MEBI + 3));
        if (isToFile) {
            try (DescriptorExport export = new DescriptorExport(writing(target), settings)) {
                export.send(content);
                assertThat(export.transferred()).isEqualTo(new Transferred(stream.length, sha256(stream)));
            }
            assertThat(Files.readAllBytes(target)).isEqualTo(stream);
            return;
        }
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            CompletableFuture<Transferred> export = CompletableFuture.supplyAsync(() -> {
                try (DescriptorExport out = new DescriptorExport(pipe.write(), settings)) {
                    out.send(content);
                    return out.transferred();
                }
            });
            DescriptorImport in = new DescriptorImport(pipe.read(), settings);
            in.receive(new StreamTarget.NewFile(target), in.size());
            assertThat(in.transferred()).isEqualTo(new Transferred(stream.length, sha256(stream)));
            assertThat(export.get(5, TimeUnit.SECONDS)).isEqualTo(in.transferred());
        }
    }

    @Test
    void whatGoesIntoAFileKeepsItsHoles() throws Exception {
        Path source = sparse("source", 600L * MEBI, 100L * MEBI);
        Path target = directory.resolve("target");
        try (DescriptorExport export = new DescriptorExport(writing(target), StreamSettings.USUAL)) {
            export.send(new StreamSource.Content(source, ByteSize.ofBytes(600L * MEBI)));
        }
        assertThat(Files.size(target)).isEqualTo(600L * MEBI + 8);
        assertThat(FileStatus.of(target).allocated()).isLessThan(MEBI);
    }

    @Test
    void aFileToWhichOthersAppendIsAppendedTo() throws Exception {
        Path source = sparse("source", 5L * MEBI + 1, 0, 3L * MEBI);
        Path target = directory.resolve("target");
        Files.writeString(target, "before");
        try (DescriptorExport export =
                new DescriptorExport(Streams.openForAppending(target), StreamSettings.USUAL.withChecksum())) {
            export.send(new StreamSource.Content(source, ByteSize.ofBytes(5L * MEBI + 1)));
        }
        assertThat(Files.size(target)).isEqualTo(6 + 8 + 5L * MEBI + 1);
    }

    @Test
    void aReaderThatClosesEarlyIsToldWithThePosition() throws Exception {
        Path source = sparse("source", 100L * MEBI, 0);
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            Process reader = process(pipe.read(), "head", "-c", "1000000");
            try (DescriptorExport export =
                    new DescriptorExport(pipe.write(), StreamSettings.USUAL.named("the export of volume 'x'"))) {
                assertThatThrownBy(() -> export.send(new StreamSource.Content(source, ByteSize.ofBytes(100L * MEBI))))
                        .isInstanceOfSatisfying(StorageException.class, e -> {
                            assertThat(e.error()).isEqualTo(StorageError.STREAM_BROKEN);
                            assertThat(e.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
                        })
                        .hasMessageMatching(
                                "the export of volume 'x' failed after [1-9]\\d{5,6} of 104857608 bytes: Broken pipe");
            }
            assertThat(reader.waitFor(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"pipe, true", "pipe, false", "socket, true", "socket, false"})
    void aTransferIsCancelledWithinASecondFromEitherSide(String kind, boolean isInterrupted) throws Exception {
        Path source = sparse("source", 100L * MEBI, 0, 5L * MEBI, 50L * MEBI);
        try (Ends ends = Ends.of(kind)) {
            DescriptorExport export = new DescriptorExport(ends.write(), StreamSettings.USUAL);
            CompletableFuture<StorageException> failure = new CompletableFuture<>();
            Thread thread = Thread.ofVirtual().start(() -> {
                try {
                    export.send(new StreamSource.Content(source, ByteSize.ofBytes(100L * MEBI)));
                } catch (StorageException e) {
                    failure.complete(e);
                }
            });
            awaitUnmoving(export);
            long begun = System.nanoTime();

            if (isInterrupted) {
                thread.interrupt();
            } else {
                export.cancel("the other side is gone");
            }

            StorageException e = failure.get(10, TimeUnit.SECONDS);
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(1));
            assertThat(e.error()).isEqualTo(StorageError.CANCELLED);
            assertThat(e.getMessage())
                    .matches("the transfer was cancelled after \\d+ of 104857608 bytes: "
                            + (isInterrupted ? "it was interrupted" : "the other side is gone"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pipe", "socket"})
    void aPeerThatDoesNotMoveIsNoticed(String kind) throws Exception {
        Path source = sparse("source", 100L * MEBI, 0);
        StreamSettings impatient = StreamSettings.USUAL.withPatience(Duration.ofMillis(300));
        try (Ends ends = Ends.of(kind)) {
            DescriptorExport export = new DescriptorExport(ends.write(), impatient);
            broken(
                    () -> export.send(new StreamSource.Content(source, ByteSize.ofBytes(100L * MEBI))),
                    "the other end (has|does) not move");
        }
        try (Ends ends = Ends.of(kind)) {
            DescriptorImport stream = new DescriptorImport(ends.read(), impatient);
            broken(stream::size, "the other end has not moved");
        }
    }

    @Test
    void aStreamOfTheWrongLengthIsRefusedAtItsPosition() throws Exception {
        for (int length : List.of(99, 101)) {
            Path target = directory.resolve("target" + length);
            try (Descriptor.Pipe pipe = Descriptor.pipe()) {
                Process writer = new ProcessBuilder(
                                "sh", "-c", "printf '\\144\\0\\0\\0\\0\\0\\0\\0'; head -c " + length + " /dev/urandom")
                        .redirectOutput(file(pipe.write()))
                        .start();
                pipe.write().close();
                DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL);
                ByteSize size = stream.size();
                broken(
                        () -> stream.receive(new StreamTarget.NewFile(target), size),
                        length == 99
                                ? "after 107 of 108 bytes: it ended 1 bytes too early"
                                : "more came than the 100 bytes that it told");
                assertThat(writer.waitFor(5, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void aHeaderThatIsNoneIsRefused() throws Exception {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            Process writer = new ProcessBuilder("printf", "QFI\\373\\0\\0\\0\\377")
                    .redirectOutput(file(pipe.write()))
                    .start();
            pipe.write().close();
            DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL);
            broken(stream::size, "begins with the size 18374686\\d+, which no volume has");
            assertThat(writer.waitFor(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aLimitIsKept() throws Exception {
        Path source = sparse("source", 2L * MEBI, 0);
        List<Long> told = new ArrayList<>();
        StreamSettings slow = StreamSettings.USUAL
                .withLimit(OptionalLong.of(4L * MEBI))
                .withProgress((done, total) -> told.add(done));
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            Process reader = process(pipe.read(), "cat");
            long begun = System.nanoTime();
            try (DescriptorExport export = new DescriptorExport(pipe.write(), slow)) {
                export.send(new StreamSource.Content(source, ByteSize.ofBytes(2L * MEBI)));
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThan(Duration.ofMillis(450));
            assertThat(told).isSorted().endsWith(2L * MEBI + 8).hasSizeGreaterThan(4);
            assertThat(reader.waitFor(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"pipe, false", "socket, false", "pipe, true", "socket, true"})
    void anotherProcessWritesTheStreamAndAnotherReadsIt(String kind, boolean withChecksum) throws Exception {
        Path source = sparse("source", 12L * MEBI + 7, 0, 6L * MEBI);
        Path target = directory.resolve("target");
        StreamSettings settings = withChecksum ? StreamSettings.USUAL.withChecksum() : StreamSettings.USUAL;
        try (Ends ends = Ends.of(kind)) {
            CompletableFuture<Transferred> export = CompletableFuture.supplyAsync(() -> {
                try (DescriptorExport stream = new DescriptorExport(ends.write(), settings)) {
                    stream.handOver(number -> run("dd", "if=" + source, "of=/proc/" + pid() + "/fd/" + number));
                    return stream.transferred();
                }
            });
            DescriptorImport stream = new DescriptorImport(ends.read(), settings);
            String answer = stream.handOver("qcow2+size", number -> {
                run("dd", "if=/proc/" + pid() + "/fd/" + number, "of=" + target);
                return "done";
            });

            assertThat(answer).isEqualTo("done");
            Transferred sent = export.get(5, TimeUnit.SECONDS);
            assertThat(sent.bytes()).isEqualTo(12L * MEBI + 7);
            assertThat(sent.sha256()).isEqualTo(withChecksum ? sha256(Files.readAllBytes(source)) : null);
        }
        assertThat(Files.mismatch(source, target)).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({"raw+size, ended 1 bytes too early", "tar+size, the archive ended too early"})
    void aStreamThatEndsTooEarlyFailsAlsoIfItsReaderIsContent(String format, String words) throws Exception {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            Process writer = new ProcessBuilder("printf", "\\5\\0\\0\\0\\0\\0\\0\\0four")
                    .redirectOutput(file(pipe.write()))
                    .start();
            pipe.write().close();
            Path target = directory.resolve("target");
            DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL);
            assertThatThrownBy(() -> stream.handOver(format, number -> {
                        run("dd", "if=/proc/" + pid() + "/fd/" + number, "of=" + target);
                        return "made";
                    }))
                    .isInstanceOfSatisfying(StorageException.class, e -> {
                        assertThat(e.error()).isEqualTo(StorageError.STREAM_BROKEN);
                        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
                    })
                    .hasMessageContaining(words);
            assertThat(writer.waitFor(5, TimeUnit.SECONDS)).isTrue();
            assertThat(target).hasSize(12);
        }
    }

    @Test
    void aProcessThatWritesTheStreamSaysWhyItFails() throws Exception {
        try (Ends ends = Ends.of("pipe")) {
            DescriptorExport stream = new DescriptorExport(ends.write(), StreamSettings.USUAL);
            StorageException own =
                    new StorageException(StorageError.PLUGIN_DIED, Outcome.FAILED_CLEAN, "no such snapshot");
            assertThatThrownBy(() -> stream.handOver(number -> {
                        throw own;
                    }))
                    .isSameAs(own);
        }
    }

    @Test
    void aTransferThatIsCancelledBeforeItBeginsLetsNobodyWriteForEver() throws Exception {
        try (Ends ends = Ends.of("pipe")) {
            DescriptorExport stream = new DescriptorExport(ends.write(), StreamSettings.USUAL);
            stream.cancel("nobody wants it");
            assertThatThrownBy(() -> stream.handOver(
                            number -> run("dd", "if=/dev/zero", "bs=64k", "of=/proc/" + pid() + "/fd/" + number)))
                    .isInstanceOfSatisfying(StorageException.class, e -> {
                        assertThat(e.error()).isEqualTo(StorageError.CANCELLED);
                        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
                    })
                    .hasMessageContaining("nobody wants it");
        }
    }

    @Test
    void aProcessThatGoesOnWithoutAReaderIsInterrupted() throws Exception {
        try (Ends ends = Ends.of("pipe")) {
            ends.read().close();
            DescriptorExport stream = new DescriptorExport(ends.write(), StreamSettings.USUAL);
            broken(
                    () -> stream.handOver(number -> {
                        run("dd", "if=/dev/zero", "bs=8", "count=1", "of=/proc/" + pid() + "/fd/" + number);
                        try {
                            TimeUnit.MINUTES.sleep(10);
                        } catch (InterruptedException e) {
                            throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, "interrupted");
                        }
                    }),
                    "Broken pipe");
            assertThat(Thread.interrupted()).isFalse();
        }
    }

    @Test
    void nothingIsLeftOpen() throws Exception {
        Path source = sparse("source", 3L * MEBI, 0);
        StreamSource content = new StreamSource.Content(source, ByteSize.ofBytes(3L * MEBI));
        transfer(content, directory.resolve("first"), ByteSize.ofBytes(3L * MEBI));
        long before = open();
        transfer(content, directory.resolve("second"), ByteSize.ofBytes(3L * MEBI));
        try (Ends ends = Ends.of("socket")) {
            ends.read().close();
            DescriptorExport stream = new DescriptorExport(ends.write(), StreamSettings.USUAL);
            broken(() -> stream.send(content), "Broken pipe");
        }
        assertThat(open()).isLessThanOrEqualTo(before);
    }

    // ---- both ends

    private void transfer(StreamSource source, Path target, ByteSize length) throws Exception {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            CompletableFuture<Void> export = CompletableFuture.runAsync(() -> {
                try (DescriptorExport stream = new DescriptorExport(pipe.write(), StreamSettings.USUAL)) {
                    stream.send(source);
                }
            });
            DescriptorImport stream = new DescriptorImport(pipe.read(), StreamSettings.USUAL);
            assertThat(stream.size()).isEqualTo(length);
            stream.receive(new StreamTarget.NewFile(target), length);
            export.get(5, TimeUnit.SECONDS);
            assertThat(stream.transferred()).isEqualTo(new Transferred(length.bytes() + 8, null));
        }
    }

    /** The ends of a pipe, or of a connection of two sockets. */
    private record Ends(Descriptor read, Descriptor write) implements AutoCloseable {
        static Ends of(String kind) throws IOException {
            if (kind.equals("pipe")) {
                Descriptor.Pipe pipe = Descriptor.pipe();
                return new Ends(pipe.read(), pipe.write());
            }
            Descriptor.Pipe sockets = Streams.socketPair();
            return new Ends(sockets.read(), sockets.write());
        }

        @Override
        public void close() {
            read.close();
            write.close();
        }
    }

    private static void awaitUnmoving(DescriptorExport export) {
        long[] last = {-1};
        org.awaitility.Awaitility.await().pollInterval(Duration.ofMillis(150)).until(() -> {
            long now = export.transferred().bytes();
            boolean isStill = now > 0 && now == last[0];
            last[0] = now;
            return isStill;
        });
    }

    private static void broken(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String words) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        e -> assertThat(e.error()).isIn(StorageError.STREAM_BROKEN, StorageError.CANCELLED))
                .hasMessageMatching("(?s).*" + words + ".*");
    }

    private static Process process(Descriptor input, String... command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectInput(file(input))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        input.close();
        return process;
    }

    private static java.io.File file(Descriptor descriptor) {
        return new java.io.File("/proc/self/fd/" + descriptor.number());
    }

    private static long pid() {
        return ProcessHandle.current().pid();
    }

    private static void run(String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long open() throws IOException {
        try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
            return numbers.count();
        }
    }

    private static Descriptor writing(Path target) throws IOException {
        return Descriptor.create(target, 0640);
    }

    private Path sparse(String name, long size, long... data) throws IOException {
        Path file = directory.resolve(name);
        Random random = new Random(20261);
        try (RandomAccessFile writer = new RandomAccessFile(file.toFile(), "rw")) {
            writer.setLength(size);
            for (long at : data) {
                byte[] noise = new byte[(int) Math.min(200_000, size - at)];
                random.nextBytes(noise);
                writer.seek(at);
                writer.write(noise);
            }
        }
        return file;
    }

    private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
