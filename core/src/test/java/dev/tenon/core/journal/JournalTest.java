package dev.tenon.core.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Interrupted;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The journal, around a directory storage that tells what it says while a call runs. */
class JournalTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final VolumeName DISK = new VolumeName("100/vm-100-disk-0.raw");

    @TempDir
    Path directory;

    private List<JournalEntry> seen = List.of();
    private @Nullable StorageException failure;
    private Optional<Cleanup> left = Optional.empty();
    private Journal journal = new Journal(Path.of("/unset"));
    private Storage storage = Storages.at(Path.of("/unset"));
    private StoragePlugin plugin = new DirPlugin();

    private class Observed extends DirectoryPlugin {
        @Override
        public VolumeName allocImage(Storage at, Vmid owner, Format format, @Nullable String name, ByteSize size) {
            seen = journal.entries();
            if (failure != null) {
                throw failure;
            }
            return super.allocImage(at, owner, format, name, size);
        }

        @Override
        public Optional<Cleanup> freeImage(Storage at, VolumeName volume, boolean isBase, @Nullable Format format) {
            super.freeImage(at, volume, isBase, format);
            return left;
        }

        @Override
        public void deleteSnapshot(Storage at, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
            throw new IllegalStateException("a defect");
        }
    }

    @BeforeEach
    void makeStorage() {
        journal = new Journal(directory.resolve("state/journal"));
        storage = Storages.at(directory);
        Observed observed = new Observed();
        plugin = Decorator.decorate(observed, new Journalled(journal, observed));
    }

    private VolumeName alloc() {
        return plugin.allocImage(storage, GUEST, Format.Image.RAW, "vm-100-disk-0.raw", ByteSize.ofKib(4));
    }

    @Test
    void knowsAnOperationWhileItRunsAndNotAfterwards() {
        alloc();

        assertThat(seen).singleElement().satisfies(entry -> {
            assertThat(entry.operation()).isEqualTo("allocImage");
            assertThat(entry.storage()).isEqualTo("store");
            assertThat(entry.type()).isEqualTo("dir");
            assertThat(entry.parameters())
                    .isEqualTo(Map.of("owner", "100", "format", "raw", "name", "vm-100-disk-0.raw", "size", "4096"));
            assertThat(entry.isRunning()).isTrue();
            assertThat(entry.isComplete()).isTrue();
        });
        assertThat(journal.entries()).isEmpty();
    }

    @Test
    void forgetsOneThatFailedWithoutAnEffect() {
        failure = StorageException.refused(StorageError.NO_SPACE, "full");
        assertThatExceptionOfType(StorageException.class).isThrownBy(this::alloc);
        failure = new StorageException(StorageError.NO_SPACE, Outcome.FAILED_CLEAN, "full");
        assertThatExceptionOfType(StorageException.class).isThrownBy(this::alloc);

        assertThat(seen).hasSize(1);
        assertThat(journal.entries()).isEmpty();
    }

    @Test
    void keepsOneWhoseEffectIsNotKnownWithItsError() {
        failure = new StorageException(StorageError.PLUGIN_DIED, Outcome.UNKNOWN, "line\nfeed = \\n");
        assertThatExceptionOfType(StorageException.class).isThrownBy(this::alloc);
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> plugin.deleteSnapshot(storage, DISK, new SnapshotName("one"), false));

        assertThat(journal.interrupted())
                .extracting(JournalEntry::problem)
                .containsExactly("line\nfeed = \\n", "java.lang.IllegalStateException: a defect");
        assertThat(journal.interrupted().getLast().asInterruption().orElseThrow())
                .satisfies(interruption -> {
                    assertThat(interruption.volume()).isEqualTo(DISK);
                    assertThat(interruption.snapshot()).isEqualTo(new SnapshotName("one"));
                });
        journal.interrupted().forEach(journal::forget);
        assertThat(journal.directory()).isEmptyDirectory();
    }

    @Test
    void keepsOneUntilTheWorkThatItLeftIsDone() {
        alloc();
        left = Optional.of(() -> {});

        Cleanup cleanup = plugin.freeImage(storage, DISK, false, null).orElseThrow();
        assertThat(journal.entries()).singleElement().satisfies(entry -> {
            assertThat(entry.operation()).isEqualTo("freeImage");
            assertThat(entry.witness()).containsOnlyKeys("vm-100-disk-0.raw");
        });
        cleanup.run();
        assertThat(journal.entries()).isEmpty();
    }

    /** From now on of a type that nobody can examine. */
    private void examineNothing() {
        Observed observed = new Observed() {
            @Override
            public Optional<Examinable> examinable() {
                return Optional.empty();
            }
        };
        plugin = Decorator.decorate(observed, new Journalled(journal, observed));
    }

    private void failUnknown(String problem, Runnable operation) {
        failure = new StorageException(StorageError.PLUGIN_DIED, Outcome.UNKNOWN, problem);
        assertThatExceptionOfType(StorageException.class).isThrownBy(operation::run);
        failure = null;
    }

    private List<String> kept() {
        return journal.interrupted().stream()
                .map(entry -> entry.operation() + " " + entry.problem())
                .toList();
    }

    @Test
    void keepsTheNewestOfEqualOnesThatNobodyCanExamine() {
        examineNothing();
        for (int i = 0; i < 20; i++) {
            failUnknown("try " + i, this::alloc);
        }
        failUnknown("another size", () -> plugin.allocImage(storage, GUEST, Format.Image.RAW, null, ByteSize.ofKib(8)));
        Storage other = Storage.of("other", "dir", Map.of("path", directory.toString()));
        failUnknown(
                "other",
                () -> plugin.allocImage(other, GUEST, Format.Image.RAW, "vm-100-disk-0.raw", ByteSize.ofKib(4)));

        assertThat(kept()).containsExactly("allocImage try 19", "allocImage another size", "allocImage other");

        alloc();
        assertThat(kept()).containsExactly("allocImage another size", "allocImage other");
    }

    @Test
    void forgetsAllOfAVolumeThatIsFreedIfNobodyCanExamineIt() {
        examineNothing();
        failUnknown("alloc", this::alloc);
        failUnknown(
                "another",
                () -> plugin.allocImage(storage, GUEST, Format.Image.RAW, "vm-100-disk-10.raw", ByteSize.ofKib(4)));
        alloc();
        failUnknown("alloc", this::alloc);
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> plugin.deleteSnapshot(storage, DISK, new SnapshotName("one"), false));
        Interrupted.begin(journal, plugin, dir -> dir.freeImage(storage, DISK, false, null));
        assertThat(kept()).hasSize(4);

        left = Optional.of(() -> {});
        Cleanup cleanup = plugin.freeImage(storage, DISK, false, null).orElseThrow();
        assertThat(kept()).hasSize(4);
        cleanup.run();
        assertThat(kept()).containsExactly("allocImage another");
    }

    @Test
    void keepsAllEntriesOfAStorageThatIsExamined() {
        for (int i = 0; i < 3; i++) {
            failUnknown("try " + i, this::alloc);
        }
        alloc();
        plugin.freeImage(storage, DISK, false, null);

        assertThat(kept()).containsExactly("allocImage try 0", "allocImage try 1", "allocImage try 2");
    }

    @Test
    void doesNotWriteDownWhatChangesNothing() {
        plugin.listImages(storage, ImageFilter.all(), OperationCache.create());
        plugin.findFreeDiskname(storage, GUEST, null, true);

        assertThat(journal.directory()).doesNotExist();
    }

    @Test
    void namesTheParametersOfTheOperationsAsTheyAre() {
        Journalled.OPERATIONS.forEach((operation, row) -> {
            List<String> names = row.parameters();
            Method method = Arrays.stream(StoragePlugin.class.getMethods())
                    .filter(candidate -> candidate.getName().equals(operation))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no method " + operation));
            assertThat(method.getParameterTypes()[0]).isEqualTo(Storage.class);
            assertThat(names).as(operation).hasSize(method.getParameterCount() - 1);
            int volume = names.indexOf("volume");
            assertThat(volume < 0 || method.getParameterTypes()[volume + 1] == VolumeName.class)
                    .as(operation)
                    .isTrue();
        });
    }

    @Test
    void writesEveryOperationThatItKnows() {
        assertThat(Journalled.OPERATIONS.values().stream().map(Journalled.Row::operation))
                .containsExactlyInAnyOrder(Mutation.values());
    }

    @Test
    void beginsNothingThatItCannotWriteDown() throws IOException {
        Files.writeString(directory.resolve("state"), "no directory");

        Failing.isRefused(this::alloc, StorageError.STORAGE_UNAVAILABLE, "is not begun, because the journal in '");
        assertThat(directory.resolve("images")).doesNotExist();
    }

    @Test
    void beginsNothingOnAStorageThatIsBeingRepaired() {
        journal.repairing(new StorageId("other"), this::alloc);
        journal.repairing(storage.id(), () -> {
            Failing.isRefused(
                    () -> plugin.freeImage(storage, DISK, false, null),
                    StorageError.IN_USE,
                    "because the storage is being repaired");
            Failing.isRefused(
                    () -> journal.repairing(storage.id(), () -> true), StorageError.IN_USE, "being repaired already");
            return true;
        });

        assertThat(journal.directory()).isEmptyDirectory();
        plugin.freeImage(storage, DISK, false, null);
        assertThat(directory.resolve("images/100")).doesNotExist();
    }

    @Test
    void leavesNoEntryOfWhatIsNotBegunBecauseNobodyCanTellWhetherTheStorageIsBeingRepaired() throws IOException {
        Path mark = Files.createDirectories(journal.directory().resolve(storage.id() + ".repair"));

        Failing.isRefused(this::alloc, StorageError.STORAGE_UNAVAILABLE, "cannot be used");

        assertThat(journal.entries()).isEmpty();
        assertThat(mark).isEmptyDirectory();
    }

    @Test
    void takesAnEntryOfAProcessThatEndedForInterrupted() {
        Interrupted.begin(journal, new DirPlugin(), dir -> dir.freeImage(storage, DISK, false, null));

        assertThat(journal.interrupted()).singleElement().satisfies(entry -> {
            assertThat(entry.problem()).isNull();
            assertThat(entry.toString())
                    .isEqualTo("freeImage of storage 'store' (isBase='false', volume='100/vm-100-disk-0.raw')");
        });
    }

    @Test
    void takesAnEntryThatWasCutAnywhereForAnOperationThatHasNotBegun() throws IOException {
        Interrupted.begin(journal, new DirPlugin(), dir -> dir.snapshotVolume(storage, DISK, new SnapshotName("one")));
        Path file = journal.file(journal.entries().getFirst());
        byte[] whole = Files.readAllBytes(file);
        journal.discardUnbegun();
        assertThat(journal.interrupted()).hasSize(1);
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));

            assertThat(journal.entries()).singleElement().satisfies(entry -> {
                assertThat(entry.isComplete()).isFalse();
                assertThat(entry.isRunning()).isFalse();
                assertThat(Optional.ofNullable(entry.parameters().get("volume")).orElse(DISK.value()))
                        .isEqualTo(DISK.value());
            });
            assertThat(journal.interrupted()).isEmpty();
            journal.discardUnbegun();
            assertThat(journal.entries()).isEmpty();
        }
    }

    @Test
    void writesEveryValueSoThatItIsReadAgain() {
        Map<String, String> values =
                Map.of("a=b", "=", "c\nd", "\\", "e", "\\n\n\r\\e=", "f", "ü\u0000", "g", "", "h", "end\n");
        JournalEntry entry =
                new JournalEntry("1-x-1", "op", "nas", "dir", values, values, null, null, "end\n\nend", true);

        assertThat(EntryText.parse("1-x-1", EntryText.of(entry).getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(entry);
    }
}
