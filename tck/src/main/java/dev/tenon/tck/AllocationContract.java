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
interface AllocationContract extends Contract {
    int THREADS = 8;

    @ParameterizedTest(name = "{0}")
    @EnumSource
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
        assertThat(images().info(volume).format()).isEqualTo(format);
        assertThat(images().isPresent(volume)).isTrue();
    }

    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(longs = {1, 1023, 1025, (1 << 20) + 1, (1 << 20) - 1})
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
    default void aFreeNameIsNotTakenAndCanBeGiven() {
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
    default void anExistingVolumeIsNotReplaced(Format.Image format) {
        requires(format);
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

    /** PVE's way to say that there is none is a size that is not known. */
    @Test
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

    @Test
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
