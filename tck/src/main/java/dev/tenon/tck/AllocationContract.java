package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes are made and removed. */
@OfProfile(Profile.CORE)
interface AllocationContract extends Contract {
    int THREADS = 8;

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"alloc_image", "list_images", "volume_size_info", "parse_volname"},
            otherwise = "Do not use this format here: what is made is not what was asked for.")
    default void aNewVolumeIsListedAndAsLargeAsAskedOrItsFormatIsRefused(Format.Image format) {
        Vmid guest = Images.newGuest();
        if (!subject().abilities().formats().contains(format)) {
            failing().clean(() -> images().make(guest, format), StorageError.NOT_SUPPORTED, StorageError.INVALID_NAME);
            assertThat(images().namesOf(guest)).isEmpty();
            return;
        }
        VolumeName volume = images().make(guest, format);
        assertThat(subject().plugin().parseVolname(volume))
                .asInstanceOf(type(ParsedVolume.GuestImage.class))
                .satisfies(parsed -> {
                    assertThat(parsed.owner()).isEqualTo(guest);
                    assertThat(parsed.format()).isEqualTo(format);
                    assertThat(parsed.isBase()).isFalse();
                    assertThat(parsed.base()).isNull();
                    assertThat(volume.value()).endsWith(parsed.name());
                });
        assertThat(images().namesOf(guest)).containsExactly(volume);
        assertThat(images().bytes(volume))
                .isGreaterThanOrEqualTo(Images.sizeOf(format).bytes());
        if (format != Format.Image.SUBVOL) {
            assertThat(images().bytes(volume))
                    .as("bytes, of which %s were asked for", Images.SIZE)
                    .isLessThan(Images.FAR * Images.SIZE.bytes());
        }
        assertThat(images().info(volume).format()).isEqualTo(format);
        assertThat(images().isPresent(volume)).isTrue();
    }

    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(longs = {1, 1023, 1025, 528 << 10, (1 << 20) + 1, (1 << 20) - 1})
    @Check(
            calls = {"alloc_image", "volume_size_info"},
            otherwise = "Ask for whole MiB: smaller sizes make volumes that are too small for a copy of themselves.")
    default void aSizeIsRoundedUpToKib(long bytes) {
        VolumeName volume = subject()
                .plugin()
                .allocImage(
                        subject().storage(), Images.newGuest(), images().anyFormat(), null, ByteSize.ofBytes(bytes));
        assertThat(images().bytes(volume))
                .isGreaterThanOrEqualTo(bytes)
                .satisfies(size -> assertThat(size % 1024).isZero());
    }

    @Test
    @Check(calls = "alloc_image", otherwise = "Do not make volumes without a name of your own: two disks would be one.")
    default void noNameIsGivenTwice() {
        Vmid guest = Images.newGuest();
        List<VolumeName> volumes = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            volumes.add(images().make(guest, images().anyFormat()));
        }
        assertThat(volumes).doesNotHaveDuplicates();
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrderElementsOf(volumes);
        images().free(volumes.get(1));
        VolumeName fourth = images().make(guest, images().anyFormat());
        assertThat(fourth).isNotIn(volumes.get(0), volumes.get(2));
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(volumes.get(0), volumes.get(2), fourth);
    }

    @Test
    @Check(
            calls = {"find_free_diskname", "alloc_image"},
            otherwise = "Choose names yourself and look whether they are listed.")
    default void aFreeNameIsNotTakenAndCanBeGiven() {
        requiresWantedNames();
        Vmid guest = Images.newGuest();
        VolumeName first = images().make(guest, images().anyFormat());
        String free = freeName(guest, images().anyFormat());
        assertThat(first.value()).doesNotEndWith(free);
        assertThat(freeName(guest, images().anyFormat()))
                .as("asking takes nothing")
                .isEqualTo(free);
        VolumeName second = allocate(guest, images().anyFormat(), free);
        assertThat(second.value()).endsWith(free);
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrder(first, second);
        assertThat(freeName(guest, images().anyFormat())).isNotEqualTo(free);
    }

    @Test
    @Check(
            calls = "find_free_diskname",
            otherwise = "Take the ending off a name yourself, or moving disks gives names with two.")
    default void aFreeNameHasItsFormatOnlyIfThatIsWanted() {
        Vmid guest = Images.newGuest();
        StoragePlugin plugin = subject().plugin();
        String with = plugin.findFreeDiskname(subject().storage(), guest, images().anyFormat(), true);
        String without = plugin.findFreeDiskname(subject().storage(), guest, images().anyFormat(), false);
        assertThat(with).startsWith(without);
        assertThat(without).doesNotEndWith("." + images().anyFormat().word()).contains(guest.toString());
        assertThat(plugin.findFreeDiskname(subject().storage(), guest, null, false))
                .isNotBlank();
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "alloc_image",
            otherwise = "Look whether a name is listed before each allocation: its content would be lost.")
    default void anExistingVolumeIsNotReplaced(Format.Image format) {
        requires(format);
        requiresWantedNames();
        Vmid guest = Images.newGuest();
        String name = freeName(guest, format);
        VolumeName volume = allocate(guest, format, name);
        images().fill(volume, 7);
        failing().refused(StorageError.ALREADY_EXISTS, () -> allocate(guest, format, name));
        images().isFilled(volume, 7);
        assertThat(images().namesOf(guest)).containsExactly(volume);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"free_image", "list_images"},
            otherwise =
                    "Look whether the volume is still listed after it was freed, and before its name is used again.")
    default void aFreedVolumeIsGoneAndFreeingItAgainSucceeds(Format.Image format) {
        requires(format);
        Vmid guest = Images.newGuest();
        VolumeName freed = images().make(guest, format);
        VolumeName kept = images().make(guest, format);
        images().free(freed);
        assertThat(images().namesOf(guest)).containsExactly(kept);
        images().free(freed);
        assertThat(images().namesOf(guest)).containsExactly(kept);
        assertThat(images().make(guest, format)).isNotEqualTo(kept);
    }

    /** PVE says that there is none by an unknown size. */
    @Test
    @Check(calls = "volume_size_info", otherwise = "List volumes to learn whether one is there.")
    default void aVolumeThatDoesNotExistHasNoSize() {
        VolumeName missing = images().missing(images().anyFormat());
        if (subject().abilities().tellsWhy()) {
            failing().clean(() -> images().info(missing), StorageError.NOT_FOUND);
            return;
        }
        try {
            assertThat(images().info(missing).size()).isNull();
        } catch (StorageException e) {
            assertThat(e.error()).isIn(StorageError.NOT_FOUND, StorageError.PLUGIN_DIED);
        }
    }

    /** What a snapshot with RAM needs. */
    @Test
    @Check(
            calls = {"alloc_image", "parse_volname", "list_images"},
            otherwise = "Take snapshots without RAM: the volume for it stays behind when it is not recognised.")
    default void theStateOfAGuestHasAVolume() {
        Vmid guest = Images.newGuest();
        VolumeName state = named(guest, "vm-" + guest + "-state-Test-w-ram");
        assertThat(subject().plugin().parseVolname(state))
                .asInstanceOf(type(ParsedVolume.GuestImage.class))
                .satisfies(parsed -> assertThat(parsed.owner()).isEqualTo(guest));
        assertThat(images().namesOf(guest)).containsExactly(state);
        images().free(state);
        assertThat(images().namesOf(guest)).isEmpty();
    }

    /** PVE makes a clone's cloud-init drive anew, if the name of the volume says that it is one. */
    @Test
    @Check(
            calls = "alloc_image",
            otherwise =
                    "Make the cloud-init drive of a clone anew by hand: PVE takes the one of the source for a disk.")
    default void aCloudInitVolumeIsKnownByItsName() {
        Vmid guest = Images.newGuest();
        VolumeName volume = named(guest, "vm-" + guest + "-cloudinit");
        assertThat(images().volid(volume).toString()).matches(".*[:/](vm-\\d+-)?cloudinit(\\.[a-z0-9]+)?");
        assertThat(images().namesOf(guest)).containsExactly(volume);
    }

    /** A volume that the host has a name for, with its format where names of the storage have theirs. */
    private VolumeName named(Vmid guest, String name) {
        requires(Format.Image.RAW);
        requiresWantedNames();
        String ending = freeName(guest, Format.Image.RAW).endsWith(".raw") ? ".raw" : "";
        return allocate(guest, Format.Image.RAW, name + ending);
    }

    @Test
    @Check(calls = "alloc_image", otherwise = "Make volumes from one process only.")
    default void threadsThatTakeTurnsGetNamesOfTheirOwn() throws Exception {
        Vmid guest = Images.newGuest();
        ReentrantLock lock = new ReentrantLock();
        List<VolumeName> volumes = inThreads(() -> {
            lock.lock();
            try {
                return images().make(guest, images().anyFormat());
            } finally {
                lock.unlock();
            }
        });
        assertThat(volumes).hasSize(THREADS).doesNotHaveDuplicates();
        assertThat(images().namesOf(guest)).containsExactlyInAnyOrderElementsOf(volumes);
    }

    @Test
    @Check(calls = "list_images", otherwise = "List volumes from one process only.")
    default void threadsThatLookAtOnceSeeTheSame() throws Exception {
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        assertThat(inThreads(() -> images().names(ImageFilter.all())))
                .allSatisfy(names -> assertThat(names).containsExactly(volume));
    }

    private static <T> List<T> inThreads(Callable<T> work) throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<T>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                running.add(threads.submit(work));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> each : running) {
                results.add(each.get());
            }
            return results;
        }
    }

    private String freeName(Vmid guest, Format.Image format) {
        return subject().plugin().findFreeDiskname(subject().storage(), guest, format, true);
    }

    private VolumeName allocate(Vmid guest, Format.Image format, String name) {
        Storage storage = subject().storage();
        return subject().plugin().allocImage(storage, guest, format, name, Images.sizeOf(format));
    }
}
