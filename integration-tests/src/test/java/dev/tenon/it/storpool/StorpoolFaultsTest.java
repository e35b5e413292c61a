package dev.tenon.it.storpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.decorator.StatusCache;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.storpool.StorpoolHost;
import dev.tenon.it.storpool.Faults.Kind;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong is told in one sentence, with what is known of its effect, and leaves no volume behind. */
class StorpoolFaultsTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(64);
    private static final SnapshotName SNAPSHOT = new SnapshotName("before");
    private static final long MINUTE = 60_000;

    /** Of those who do not wait. */
    private static final StorpoolHost.Limits SHORT = new StorpoolHost.Limits(
            Duration.ofSeconds(2),
            Duration.ofMillis(1500),
            Duration.ofMillis(1500),
            Duration.ofMillis(100),
            2,
            Duration.ofMillis(5));

    private final Storage storage = StorpoolLab.storage();
    private final StorpoolLab lab;
    private final StoragePlugin plugin;

    StorpoolFaultsTest(Scratch scratch) {
        lab = StorpoolLab.start(scratch, "lab");
        plugin = lab.java(StorpoolLab.FIRST, SHORT);
    }

    @BeforeEach
    void knowsTheSettings() {
        plugin.checkConnection(storage);
    }

    private VolumeName alloc() {
        return plugin.allocImage(storage, GUEST, Image.RAW, null, SIZE);
    }

    private List<Stored> objects() {
        return lab.emulator().cluster().objects();
    }

    private static StorageException failed(ThrowingCallable call) {
        StorageException failure = catchThrowableOfType(StorageException.class, call);
        assertThat(failure.getMessage()).isNotBlank().doesNotContain("\n").doesNotContain(StorpoolLab.TOKEN);
        return failure;
    }

    private static void isKnown(StorageException failure, StorageError error, Outcome outcome) {
        assertThat(failure.error()).as(failure.getMessage()).isEqualTo(error);
        assertThat(failure.outcome()).as(failure.getMessage()).isEqualTo(outcome);
    }

    @Test
    void anApiThatIsDownIsToldAndNothingIsBegun() {
        VolumeName disk = alloc();
        lab.emulator().close();
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                this::alloc,
                () -> plugin.freeImage(storage, disk, false, null),
                () -> plugin.snapshotVolume(storage, disk, SNAPSHOT),
                () -> plugin.status(storage, OperationCache.create()),
                () -> plugin.activateStorage(storage, OperationCache.create()))) {
            StorageException failure = failed(call);
            isKnown(failure, StorageError.DEADLINE_EXCEEDED, Outcome.NOT_STARTED);
            assertThat(failure.getMessage()).contains("the StorPool API at http://127.0.0.1:", "cannot be reached");
        }
        assertThat(objects()).hasSize(1);
    }

    /** The volume is made, and its id does not come: it is found by its tags, and removed. */
    @ParameterizedTest
    @EnumSource(names = {"SLOW", "CUT", "LOST"})
    void aVolumeWhoseAnswerDoesNotComeIsNotLeft(Kind kind) {
        alloc();
        lab.emulator().faults().add(new Faults.Fault(kind, "VolumeCreate", 1, MINUTE));
        StorageException failure = failed(this::alloc);
        assertThat(failure.outcome()).as(failure.getMessage()).isEqualTo(Outcome.FAILED_CLEAN);
        assertThat(failure.getMessage()).contains("VolumeCreate", "what it made was removed");
        assertThat(objects()).hasSize(1);
        assertThat(alloc().value()).startsWith("vm-100-disk-1-");
    }

    @ParameterizedTest
    @EnumSource(names = {"SLOW", "CUT", "LOST"})
    void aSnapshotWhoseAnswerDoesNotComeIsNotLeft(Kind kind) {
        VolumeName disk = alloc();
        lab.emulator().faults().add(new Faults.Fault(kind, "VolumeSnapshot", 2, MINUTE));
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> plugin.snapshotVolume(storage, disk, SNAPSHOT), () -> plugin.createBase(storage, disk))) {
            StorageException failure = failed(call);
            assertThat(failure.outcome()).as(failure.getMessage()).isEqualTo(Outcome.FAILED_CLEAN);
            assertThat(objects()).extracting(Stored::isSnapshot).containsExactly(false);
        }
    }

    @Test
    void aCloneWhoseAnswerDoesNotComeIsNotLeft() {
        VolumeName base = plugin.createBase(storage, alloc());
        lab.emulator().faults().next(Kind.CUT, "VolumeCreate");
        StorageException failure = failed(() -> plugin.cloneImage(storage, base, GUEST, null));
        assertThat(failure.outcome()).isEqualTo(Outcome.FAILED_CLEAN);
        assertThat(objects()).hasSize(1);
    }

    /** Where nobody can look afterwards, nobody knows. */
    @Test
    void whatCannotBeLookedForIsNotKnown() {
        lab.emulator().faults().next(Kind.LOST, "VolumeCreate");
        lab.emulator().faults().add(new Faults.Fault(Kind.ERROR, "VolumesList", 5, 0));
        StorageException failure = failed(this::alloc);
        isKnown(failure, StorageError.STORAGE_UNAVAILABLE, Outcome.UNKNOWN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"VolumeUpdate", "VolumeRevert", "VolumesReassignWait", "VolumeDelete"})
    void aChangeWhoseAnswerEndsInTheMiddleMayHaveBeenMade(String call) {
        VolumeName disk = alloc();
        plugin.snapshotVolume(storage, disk, SNAPSHOT);
        lab.emulator().faults().next(Kind.CUT, call);
        StorageException failure = switch (call) {
            case "VolumeUpdate" -> failed(() -> plugin.resizeVolume(storage, disk, ByteSize.ofKib(128), false, null));
            case "VolumeDelete" -> failed(() -> plugin.freeImage(storage, disk, false, null));
            default -> failed(() -> plugin.rollback(storage, disk, SNAPSHOT));
        };
        isKnown(failure, StorageError.STORAGE_UNAVAILABLE, Outcome.UNKNOWN);
        assertThat(failure.getMessage()).contains("gave no whole answer to " + call);
        if (call.equals("VolumeDelete")) {
            plugin.freeImage(storage, disk, false, null);
            assertThat(objects()).as("after it was freed again").isEmpty();
        }
    }

    /** Asking changes nothing, so it is asked again. */
    @ParameterizedTest
    @EnumSource(names = {"CUT", "LOST"})
    void aQuestionWhoseAnswerEndsInTheMiddleIsAskedAgain(Kind kind) {
        VolumeName disk = alloc();
        lab.emulator().faults().next(kind, "Volume");
        assertThat(plugin.volumeSizeInfo(storage, disk, null).size()).isEqualTo(SIZE);
        lab.emulator().faults().add(new Faults.Fault(kind, "Volume", 1000, 0));
        StorageException failure = failed(() -> plugin.volumeSizeInfo(storage, disk, null));
        isKnown(failure, StorageError.DEADLINE_EXCEEDED, Outcome.NOT_STARTED);
    }

    @Test
    void aPageThatIsNoAnswerIsToldByItsStatus() {
        VolumeName disk = alloc();
        lab.emulator().faults().next(Kind.ERROR, "Volume");
        StorageException failure = failed(() -> plugin.volumeSizeInfo(storage, disk, null));
        isKnown(failure, StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED);
        assertThat(failure.getMessage()).contains("HTTP status 500");
        lab.emulator().faults().next(Kind.ERROR, "VolumeCreate");
        assertThat(failed(this::alloc).getMessage()).contains("HTTP status 500");
        assertThat(objects()).hasSize(1);
    }

    @Test
    void aWrongTokenIsRefused() {
        StoragePlugin stranger = lab.java(StorpoolLab.FIRST, SHORT, lab.confget(StorpoolLab.FIRST, "wrong", Map.of()));
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> stranger.allocImage(storage, GUEST, Image.RAW, null, SIZE),
                () -> stranger.status(storage, OperationCache.create()))) {
            StorageException failure = failed(call);
            isKnown(failure, StorageError.PERMISSION_DENIED, Outcome.NOT_STARTED);
            assertThat(failure.getMessage()).contains("SP_AUTH_TOKEN").doesNotContain("wrong");
        }
        assertThat(objects()).isEmpty();
    }

    @Test
    void aDeviceThatNeverComesIsGivenBack() {
        VolumeName disk = alloc();
        lab.emulator().faults().next(Kind.LOST_ATTACH, null);
        StorageException failure =
                failed(() -> plugin.activateVolume(storage, disk, null, OperationCache.create(), Hints.NONE));
        isKnown(failure, StorageError.STORAGE_UNAVAILABLE, Outcome.FAILED_CLEAN);
        assertThat(failure.getMessage()).contains("has not come within");
        assertThat(lab.emulator().cluster().attached()).isEmpty();
        assertThat(objects()).hasSize(1);
    }

    @Test
    void aVolumeThatIsBusyIsNotFreedNorRolledBack() {
        VolumeName disk = alloc();
        plugin.snapshotVolume(storage, disk, SNAPSHOT);
        lab.emulator().faults().add(new Faults.Fault(Kind.BUSY, "VolumesReassignWait", 3, 0));
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> plugin.freeImage(storage, disk, false, null), () -> plugin.rollback(storage, disk, SNAPSHOT))) {
            isKnown(failed(call), StorageError.IN_USE, Outcome.FAILED_CLEAN);
        }
        assertThat(objects()).hasSize(2);
        plugin.deleteSnapshot(storage, disk, SNAPSHOT, false);
        isKnown(failed(() -> plugin.createBase(storage, disk)), StorageError.IN_USE, Outcome.FAILED_CLEAN);
        assertThat(objects()).as("no base is left").hasSize(1);
    }

    @Test
    void aProgramThatTellsNoSettingsIsToldOf(Scratch scratch) {
        StoragePlugin lost = lab.java(StorpoolLab.FIRST, SHORT, scratch.file("no-such-program"));
        StorageException failure = failed(() -> lost.status(storage, OperationCache.create()));
        isKnown(failure, StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED);
        assertThat(failure.getMessage()).contains("no-such-program");
        StoragePlugin half = lab.java(StorpoolLab.FIRST, SHORT, lab.confget(StorpoolLab.FIRST, Map.of("SP_OURID", "")));
        isKnown(
                failed(() -> half.status(storage, OperationCache.create())),
                StorageError.BAD_CONFIG,
                Outcome.NOT_STARTED);
    }

    /** While the API is silent, whatever the reason, the last good status is given. */
    @ParameterizedTest
    @EnumSource(names = {"SLOW", "CUT", "LOST"})
    void theStatusComesFromTheCacheInTime(Kind kind) {
        StoragePlugin cached =
                Decorator.decorate(lab.java(StorpoolLab.FIRST), new StatusCache(StatusCache.Settings.USUAL));
        StorageStatus good = cached.status(storage, OperationCache.create());
        assertThat(good).isInstanceOf(StorageStatus.Active.class);
        lab.emulator().faults().add(new Faults.Fault(kind, "VolumeTemplatesStatus", 100, MINUTE));
        for (int i = 0; i < 3; i++) {
            assertThat(cached.status(storage, OperationCache.create())).isEqualTo(good);
        }
        assertThat(StatusCache.Settings.USUAL.patience()).isLessThan(Duration.ofSeconds(2));
    }

    @Test
    void theStatusOfAnApiThatIsDownComesFromTheCacheInTime() {
        StoragePlugin cached = Decorator.decorate(plugin, new StatusCache(StatusCache.Settings.USUAL));
        StorageStatus good = cached.status(storage, OperationCache.create());
        lab.emulator().close();
        assertThat(cached.status(storage, OperationCache.create())).isEqualTo(good);
    }

    @Test
    void theStatusOfTwentyStoragesOfAClusterIsOneRequest() {
        OperationCache cache = OperationCache.create();
        long before = lab.emulator().requests();
        for (int i = 0; i < 20; i++) {
            Storage each = Storage.of("sp" + i, "storpool", Map.of("template", i % 2 == 0 ? "hybrid" : "other"));
            assertThat(plugin.status(each, cache)).isInstanceOf(StorageStatus.Active.class);
        }
        assertThat(lab.emulator().requests() - before).isEqualTo(1);
    }

    /** What PVE takes and StorPool could never name again. */
    @ParameterizedTest
    @ValueSource(strings = {"Upper", "withUpper", "snap_", "snap-", "end.", "x", "1st"})
    void aSnapshotThatCouldNotBeNamedIsRefusedBeforeAnythingIsMade(String name) {
        VolumeName disk = alloc();
        plugin.snapshotVolume(storage, disk, SNAPSHOT);
        long before = lab.emulator().requests();
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> plugin.snapshotVolume(storage, disk, new SnapshotName(name)),
                () -> plugin.renameSnapshot(storage, disk, SNAPSHOT, new SnapshotName(name)),
                () -> plugin.allocImage(storage, GUEST, Image.RAW, "vm-100-state-" + name, SIZE))) {
            StorageException failure = failed(call);
            isKnown(failure, StorageError.INVALID_NAME, Outcome.NOT_STARTED);
            assertThat(failure.getMessage()).contains("'" + name + "'");
        }
        assertThat(lab.emulator().requests()).isEqualTo(before);
        assertThat(objects()).hasSize(2);
    }

    /** A linked clone of a snapshot, which StorPool's own plugin makes and can never name again. */
    @Test
    void aCloneOfASnapshotIsADiskLikeAllOthers() {
        VolumeName disk = alloc();
        plugin.snapshotVolume(storage, disk, SNAPSHOT);
        VolumeName clone = plugin.cloneImage(storage, disk, new Vmid(101), SNAPSHOT);
        assertThat(clone.value()).startsWith("vm-101-disk-0-sp-");
        assertThat(plugin.volumeSizeInfo(storage, clone, null).size()).isEqualTo(SIZE);
        plugin.freeImage(storage, disk, false, null);
        assertThat(objects()).extracting(Stored::globalId).hasSize(1);
        assertThat(plugin.volumeSizeInfo(storage, clone, null).size()).isEqualTo(SIZE);
    }

    @Test
    void whatBelongsToAnotherClusterOfPveIsLeftAlone() {
        Stored foreign = lab.emulator()
                .cluster()
                .create(
                        StorpoolLab.TEMPLATE,
                        1 << 20,
                        Map.of(
                                "virt",
                                "pve",
                                "pve-loc",
                                "elsewhere",
                                "pve",
                                "sp",
                                "pve-type",
                                "images",
                                "pve-vm",
                                "100",
                                "pve-disk",
                                "0"));
        VolumeName name = new VolumeName("vm-100-disk-0-sp-" + foreign.globalId() + ".raw");
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> plugin.freeImage(storage, name, false, null),
                () -> plugin.resizeVolume(storage, name, ByteSize.ofKib(2048), false, null),
                () -> plugin.activateVolume(storage, name, null, OperationCache.create(), Hints.NONE))) {
            StorageException failure = failed(call);
            isKnown(failure, StorageError.PERMISSION_DENIED, Outcome.NOT_STARTED);
            assertThat(failure.getMessage()).contains("is part of another cluster: elsewhere");
        }
        assertThat(objects()).containsExactly(foreign);
        assertThat(alloc().value()).startsWith("vm-100-disk-0-");
    }

    /** A name whose volume got another guest since must not free that guest's disk. */
    @Test
    void aNameThatIsOutOfDateReachesNothing() {
        VolumeName disk = alloc();
        plugin.renameVolume(storage, disk, new Vmid(101), null);
        plugin.freeImage(storage, disk, false, null);
        assertThat(objects()).hasSize(1);
        isKnown(failed(() -> plugin.volumeSizeInfo(storage, disk, null)), StorageError.NOT_FOUND, Outcome.NOT_STARTED);
    }
}
