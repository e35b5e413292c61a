package dev.tenon.bridge.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.compare.Answer;
import dev.tenon.core.compare.Compared;
import dev.tenon.core.compare.Questions;
import dev.tenon.core.compare.Replay;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.record.Recorder;
import dev.tenon.core.record.Recording;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Calls of a real directory, recorded and made again. */
@Timeout(120)
class RecordingTest {
    private static final CallTrees FORM = new CallTrees();
    private static final StorageId NAS = new StorageId("nas");

    private final StoragePlugin dir = Objects.requireNonNull(NativeTypes.all().get("dir"));

    @TempDir
    private Path directory = Path.of("");

    private static Recorder.Wanted wanted(long bytes, boolean mapsNames) {
        return new Recorder.Wanted(null, null, Duration.ofHours(1), bytes, Duration.ofDays(1), mapsNames);
    }

    private Storage storage(String name) throws IOException {
        Map<String, Object> properties = new TreeMap<>();
        properties.put("path", Files.createDirectories(directory.resolve(name)).toString());
        properties.put("content", new TreeMap<>(Map.of("images", 1L, "iso", 1L, "backup", 1L)));
        properties.put("nodes", new TreeMap<>(Map.of("alpha", 1L)));
        return new Storage(NAS, new StorageConfig("dir", properties));
    }

    /** What people do, some of which is refused. */
    private static void use(StoragePlugin plugin, Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
        VolumeName raw = plugin.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
        VolumeName image = plugin.allocImage(storage, new Vmid(101), Format.Image.QCOW2, null, ByteSize.ofKib(640));
        plugin.snapshotVolume(storage, image, new SnapshotName("one"));
        plugin.resizeVolume(storage, image, ByteSize.ofKib(1280), false, null);
        plugin.listImages(storage, ImageFilter.all(), OperationCache.create());
        plugin.snapshots(storage, image);
        plugin.volumeSizeInfo(storage, image, null);
        plugin.status(storage, OperationCache.create());
        assertThatThrownBy(() -> plugin.deleteSnapshot(storage, image, new SnapshotName("two"), false))
                .isInstanceOf(StorageException.class);
        assertThatThrownBy(() -> plugin.volumeSizeInfo(storage, new VolumeName("100/vm-100-disk-7.raw"), null))
                .isInstanceOf(StorageException.class);
        plugin.rollback(storage, image, new SnapshotName("one"));
        plugin.renameVolume(storage, raw, new Vmid(102), null);
        plugin.freeImage(storage, image, false, null).ifPresent(Cleanup::run);
    }

    private Path record(Recorder.Wanted wanted, Storage storage, StoragePlugin plugin, Use use)
            throws IOException, InterruptedException {
        try (Recorder recorder = new Recorder(directory.resolve("recordings"), FORM)) {
            StoragePlugin recorded = recorder.plugin("dir", plugin);
            Path file = recorder.start(wanted);
            use.make(recorded, storage);
            recorder.stop();
            return file;
        }
    }

    @FunctionalInterface
    private interface Use {
        void make(StoragePlugin plugin, Storage storage);
    }

    private static List<Compared> replay(Path file, StoragePlugin plugin, Map<StorageId, Path> places)
            throws IOException {
        List<Compared> results = new ArrayList<>();
        Replay replay = new Replay(plugin, Rules.NONE, places.keySet(), results::add);
        Recording.of(file).read(FORM, places, (at, made) -> replay.make(made.call(), made.answer()));
        replay.free(places.keySet());
        return results;
    }

    @Test
    void everyCallThatReadsIsRecordedAndSaysTheSameWhenItIsMadeAgain() throws IOException, InterruptedException {
        Storage storage = storage("store");
        dir.activateStorage(storage, OperationCache.create());
        VolumeName image = dir.allocImage(storage, new Vmid(100), Format.Image.QCOW2, null, ByteSize.ofKib(64));
        dir.snapshotVolume(storage, image, new SnapshotName("one"));
        Files.writeString(directory.resolve("store/template/iso/tools.iso"), "not much");
        Files.writeString(directory.resolve("store/dump/vzdump-qemu-100-2024_02_29-10_11_12.vma"), "no archive");

        Path file = record(wanted(1 << 26, false), storage, dir, (plugin, of) -> {
            Questions questions = new Questions(plugin, 1, 100);
            questions.askOfType();
            questions.ask(of);
        });

        List<Compared> results = replay(file, dir, Map.of());
        // On a busy machine some are dropped, and counted.
        assertThat(Recording.of(file).end()).isNotNull().satisfies(end -> {
            assertThat(end.why()).isEqualTo("stopped");
            assertThat(end.calls()).isGreaterThan(end.dropped());
        });
        assertThat(results).hasSizeGreaterThan(300);
        assertThat(results).flatExtracting(Compared::unexplained).isEmpty();
        assertThat(results.stream()
                        .map(compared -> compared.question().method())
                        .distinct()
                        .count())
                .isGreaterThan(20);
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void changesAreMadeAgainInAnotherPlaceAndAFaultOfThePluginShows() throws IOException, InterruptedException {
        Path file = record(wanted(1 << 20, false), storage("store"), dir, RecordingTest::use);

        List<Compared> alone = replay(file, dir, Map.of());
        assertThat(alone).extracting(compared -> compared.question().method()).doesNotContain("allocImage");

        Path empty = Files.createDirectory(directory.resolve("empty"));
        List<Compared> faithful = replay(file, dir, Map.of(NAS, empty));
        assertThat(faithful).hasSize(14);
        assertThat(faithful).flatExtracting(Compared::unexplained).isEmpty();

        StoragePlugin careless =
                Decorator.decorate(dir, (call, next) -> call.operation().equals("resizeVolume") ? null : next.get());
        Path other = Files.createDirectory(directory.resolve("other"));
        assertThat(replay(file, careless, Map.of(NAS, other)))
                .flatExtracting(Compared::unexplained)
                .extracting(difference -> difference.field())
                .contains("size");
    }

    @Test
    void secretsAreLeftOutWhereverTheyAreTold() throws IOException, InterruptedException {
        StoragePlugin talkative = Decorator.decorate(dir, (call, next) -> {
            if (call.operation().equals("onAdd")) {
                throw new StorageException(
                        StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "mount -o password=hunter2x failed");
            }
            return next.get();
        });
        Storage storage = storage("store");
        Map<String, Object> more = new TreeMap<>(storage.config().properties());
        more.put("keyring", "AQBsecretkey==");
        more.put("apikey", "hunter2");
        more.put("api-token", 31_415_926L);
        more.put("credentials", new TreeMap<>(Map.of("someone", "swordfish")));
        Storage careless = new Storage(NAS, new StorageConfig("dir", more));

        Path file = record(wanted(1 << 20, false), careless, talkative, (plugin, of) -> {
            assertThatThrownBy(() -> plugin.onAdd(of, new Secrets(Map.of("password", Optional.of("hunter2x")))))
                    .hasMessageContaining("hunter2x");
            plugin.formats(of);
            plugin.options();
        });

        assertThat(Files.readString(file))
                .contains("on_add_hook", "get_formats", "password=(left out)", "\"password\":\"(left out)\"")
                .doesNotContain("hunter2", ")x", "AQBsecretkey", "31415926", "someone", "swordfish");
        // It can be read, and nobody is told again of a storage that is added.
        Replay replay = new Replay(dir, Rules.NONE, Set.of(NAS), ignored -> {});
        Path place = Files.createDirectory(directory.resolve("copy"));
        Recording.of(file).read(FORM, Map.of(NAS, place), (at, made) -> replay.make(made.call(), made.answer()));
        assertThat(replay.hooksLeftOut()).isEqualTo(1);
        assertThat(replay.changesLeftOut()).isZero();
    }

    @Test
    void aStorageOfWhichTheRecordingHasNoPathIsNotMoved() throws IOException {
        Path file = Files.writeString(
                directory.resolve("recording.jsonl"), example().replace("\"path\":\"/srv/nas\",", ""));
        assertThatThrownBy(() -> Recording.of(file).read(FORM, Map.of(NAS, directory), (at, made) -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("storage 'nas' has no path in call 1 of the recording");

        Files.writeString(file, example().replace("/srv/nas", "/srv/nas/"));
        Recording.of(file)
                .read(
                        FORM,
                        Map.of(NAS, directory),
                        (at, made) -> assertThat(made.call()
                                        .argument(Storage.class)
                                        .orElseThrow()
                                        .config()
                                        .text("path"))
                                .contains(directory.toString()));
    }

    @Test
    void namesHaveStandInsThatStayTheSame() throws IOException, InterruptedException {
        Path file = record(wanted(1 << 20, true), storage("customer"), dir, (plugin, of) -> {
            plugin.activateStorage(of, OperationCache.create());
            write(directory.resolve("customer/template/iso/merger-2027.iso"));
            plugin.listVolumes(of, null, Set.of(ContentType.ISO));
            plugin.path(of, new VolumeName("iso/merger-2027.iso"), null);
            use(plugin, of);
            write(directory.resolve("customer/dump/vzdump-qemu-100-2024_02_29-10_11_12.vma"));
            VolumeName noted = new VolumeName("backup/vzdump-qemu-100-2024_02_29-10_11_12.vma");
            plugin.updateAttribute(of, noted, VolumeAttribute.NOTES, "for the board");
            plugin.attribute(of, noted, VolumeAttribute.NOTES);
        });

        String text = Files.readString(file);
        assertThat(text)
                .contains("\"names_mapped\":true", "vm-100-disk-0.raw", "\"method\":\"update_volume_attribute\"")
                .doesNotContain("customer", "merger", "alpha", "for the board", "\"nas", directory.toString());
        StorageId other = new StorageId(text.replaceAll("(?s).*?\"storeid\":\"(storage-[0-9a-f]{8})\".*", "$1"));
        List<Compared> again = replay(file, dir, Map.of(other, Files.createDirectory(directory.resolve("empty"))));
        assertThat(again)
                .filteredOn(compared -> compared.question().method().equals("allocImage"))
                .hasSize(2)
                .allMatch(compared -> compared.unexplained().isEmpty());
    }

    private static void write(Path file) {
        try {
            Files.writeString(file, "x");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void itEndsWhenItIsFullAndCallersDoNotWaitForAnswersThatCannotBeWritten() throws IOException, InterruptedException {
        Storage storage = storage("store");
        Path file = record(wanted(1 << 20, false), storage, dir, (plugin, of) -> {
            for (int i = 0; i < 6000; i++) {
                plugin.formats(of);
            }
        });
        Recording.End end = Objects.requireNonNull(Recording.of(file).end());
        assertThat(Files.size(file)).isLessThan((1 << 20) + 1000);
        // Those that came after the end are not part of it.
        assertThat(end.calls()).isGreaterThan(0).isLessThan(6000);

        CountDownLatch isRead = new CountDownLatch(1);
        List<VolumeName> slow = slowToRead(isRead);
        StoragePlugin large =
                Decorator.decorate(dir, (call, next) -> call.operation().equals("exportFormats") ? slow : next.get());
        Path other = directory.resolve("other");
        try (Recorder recorder = new Recorder(other, FORM)) {
            StoragePlugin plugin = recorder.plugin("dir", large);
            Path held = recorder.start(wanted(1 << 20, false));
            for (int i = 0; i < 3000; i++) {
                plugin.exportFormats(storage, new VolumeName("x"), new Transfer(null, null, false));
            }
            isRead.countDown();
            recorder.stop();
            assertThat(Objects.requireNonNull(Recording.of(held).end()).dropped())
                    .isGreaterThan(1000);
        }
    }

    /** A list that whoever reads it waits for. */
    private static List<VolumeName> slowToRead(CountDownLatch latch) {
        return new AbstractList<>() {
            @Override
            public VolumeName get(int index) {
                throw new IndexOutOfBoundsException(index);
            }

            @Override
            public int size() {
                if (Thread.currentThread().getName().equals("recorder")) {
                    awaitUninterruptibly(latch);
                }
                return 0;
            }
        };
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void oneIsMadeAtATimeAndThoseThatHaveExpiredAreErased() throws IOException, InterruptedException {
        Path all = directory.resolve("recordings");
        Files.createDirectories(all);
        Files.writeString(
                all.resolve("old.jsonl"),
                "{\"tenon_recording\":1,\"begin\":\"2020-01-01T00:00:00Z\",\"expires\":\"2020-01-02T00:00:00Z\"}\n");
        Files.writeString(all.resolve("other.jsonl"), "no recording");
        try (Recorder recorder = new Recorder(all, FORM)) {
            recorder.plugin("dir", dir);
            Path file = recorder.start(wanted(1 << 20, false));
            assertThat(all.resolve("old.jsonl")).doesNotExist();
            assertThat(all.resolve("other.jsonl")).exists();
            assertThatThrownBy(() -> recorder.start(wanted(1 << 20, false)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("stop that first");
            assertThat(Recording.of(file).end()).isNull();
            recorder.stop();
            assertThat(recorder.writing()).isEmpty();
            recorder.recordings().erase(file.getFileName().toString());
            assertThatThrownBy(() -> recorder.recordings().erase("../recordings/other.jsonl"))
                    .hasMessageContaining("there is no recording");
            assertThatThrownBy(() -> recorder.start(new Recorder.Wanted(
                            "dri", null, Duration.ofSeconds(1), 1 << 20, Duration.ofDays(1), false)))
                    .hasMessage("there is no storage type 'dri'; there are dir");
        }
        try (Stream<Path> left = Files.list(all)) {
            assertThat(left).containsExactly(all.resolve("other.jsonl"));
        }
    }

    /** The example in docs/RECORDING.md. */
    @Test
    void theExampleOfTheDocumentIsReadAndALaterVersionIsRefusedInOneSentence() throws IOException {
        Path file = directory.resolve("example.jsonl");
        String example = example();
        Files.writeString(file, example);

        Recording recording = Recording.of(file);
        assertThat(recording.begin()).isEqualTo(Instant.parse("2026-01-01T12:00:00Z"));
        assertThat(recording.end())
                .isEqualTo(new Recording.End(Instant.parse("2026-01-01T12:10:00Z"), "time", 3, 0, 1));
        List<String> told = new ArrayList<>();
        long count = recording.read(
                FORM,
                Map.of(),
                (at, made) -> told.add(at.toMillis() + " " + made.call() + " " + answer(made.answer())));
        assertThat(count).isEqualTo(3);
        assertThat(told)
                .containsExactly(
                        "12 allocImage of storage 'nas' 100/vm-100-disk-0.raw",
                        "20 volumeSizeInfo of storage 'nas' SizeInfo",
                        "31 volumeSizeInfo of storage 'nas' NOT_FOUND");

        Files.writeString(file, example.substring(0, example.lastIndexOf("{\"at_us\":31") + 20));
        assertThat(Recording.of(file).end()).isNull();
        assertThat(Recording.of(file).read(FORM, Map.of(), (at, made) -> {})).isEqualTo(2);

        Files.writeString(file, example.replace("\"tenon_recording\":1", "\"tenon_recording\":2"));
        assertThatThrownBy(() -> Recording.of(file))
                .hasMessage("the recording '" + file
                        + "' is of version 2, and this release reads version 1: use the release that wrote it");
        Files.writeString(file, example.replace("volume_size_info", "volume_colour"));
        assertThatThrownBy(() -> Recording.of(file).read(FORM, Map.of(), (at, made) -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("call 2 of the recording", "volume_colour");
    }

    private static String answer(Answer answer) {
        return switch (answer) {
            case Answer.Value(Object value, var _) ->
                value instanceof Record record && !(record instanceof VolumeName)
                        ? record.getClass().getSimpleName()
                        : String.valueOf(value);
            case Answer.Refusal refusal -> refusal.error().name();
        };
    }

    private static String example() throws IOException {
        Path document = Path.of("..", "docs", "RECORDING.md").toAbsolutePath();
        StringBuilder lines = new StringBuilder();
        for (String line : Files.readAllLines(document)) {
            if (line.startsWith("    {\"")) {
                lines.append(line.strip()).append('\n');
            }
        }
        return lines.toString();
    }
}
