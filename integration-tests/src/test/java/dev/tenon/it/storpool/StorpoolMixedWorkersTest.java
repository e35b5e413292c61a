package dev.tenon.it.storpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Four workers with StorPool's own plugin and four with Tenon's change one storage at once, under the storage's lock where
 * PVE takes it.
 */
class StorpoolMixedWorkersTest {
    private static final int WORKERS_PER_LANGUAGE = 4;
    private static final int EACH = Math.max(5, StorpoolSideBySideTest.STEPS / (2 * WORKERS_PER_LANGUAGE));
    private static final List<Long> GUESTS = List.of(100L, 101L, 102L);
    private static final long TEMPLATES = 9000;
    private static final int MOST_VOLUMES = 4;
    private static final ByteSize SIZE = ByteSize.ofKib(64);

    /** Volumes by the id of their objects, as those who changed them under the lock were told. */
    private final Map<String, String> volumes = new TreeMap<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final Storage storage = StorpoolLab.storage();
    private @Nullable Cluster shared;

    private Cluster cluster() {
        return Objects.requireNonNull(shared, "cluster");
    }

    @Test
    void noVolumeIsLostOrDoubled(Scratch scratch) throws InterruptedException, ExecutionException {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        Map<String, String> here = Map.of("node", StorpoolLab.name(StorpoolLab.FIRST));
        lab.guests(Map.of(100L, here, 101L, here, 102L, here, TEMPLATES, here));
        shared = lab.emulator().cluster();
        StoragePlugin perl = lab.perl(StorpoolLab.FIRST).plugin();
        StoragePlugin java = lab.java(StorpoolLab.FIRST);
        try (ExecutorService threads = Executors.newFixedThreadPool(2 * WORKERS_PER_LANGUAGE)) {
            List<Future<Void>> running = new ArrayList<>();
            for (int number = 0; number < 2 * WORKERS_PER_LANGUAGE; number++) {
                StoragePlugin plugin = number % 2 == 0 ? perl : java;
                running.add(threads.submit(new Worker(plugin, number)));
            }
            for (Future<Void> each : running) {
                each.get();
            }
        }
        Cluster cluster = cluster();
        List<String> kept = cluster.objects().stream()
                .filter(object -> !object.isTransient() && !object.tags().containsKey("pve-snap"))
                .map(Stored::globalId)
                .sorted()
                .toList();
        assertThat(kept).isEqualTo(List.copyOf(volumes.keySet()));
        assertThat(names(java)).isEqualTo(names(perl)).containsAll(volumes.values());
        assertThat(cluster.objects().stream().filter(object -> object.tags().containsKey("pve-snap")))
                .allSatisfy(snapshot -> assertThat(volumes)
                        .containsKey(String.valueOf(snapshot.tags().get("pve-snap-v"))));
        assertThat(names(java)).hasSize((int) cluster.objects().stream()
                .filter(object -> !object.isTransient())
                .count());
        assertThat(done.get()).as("done, and %s refused", refused).isGreaterThan(WORKERS_PER_LANGUAGE * EACH);
    }

    private List<String> names(StoragePlugin plugin) {
        return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                .map(image -> image.volid().volume().value())
                .sorted()
                .toList();
    }

    private static String id(String volume) {
        return volume.replaceFirst(".*-sp-([^-]*)\\.\\w+$", "$1");
    }

    /** One that chooses a volume by listing them, and changes it when others may have changed it meanwhile. */
    private final class Worker implements Callable<Void> {
        private final StoragePlugin plugin;
        private final int number;
        private final Random random;

        Worker(StoragePlugin plugin, int number) {
            this.plugin = plugin;
            this.number = number;
            this.random = new Random(StorpoolSideBySideTest.SEED + number);
        }

        @Override
        public Void call() {
            for (int step = 0; step < EACH; step++) {
                try {
                    step(step);
                    done.incrementAndGet();
                } catch (StorageException e) {
                    refused.incrementAndGet();
                    assertThat(e.getMessage()).containsAnyOf("does not exist", "expected exactly one", "is attached");
                }
            }
            return null;
        }

        private void step(int step) {
            long guest = random.nextInt(4) == 0 ? TEMPLATES : GUESTS.get(random.nextInt(GUESTS.size()));
            List<String> found =
                    plugin
                            .listImages(storage, new ImageFilter.OfGuest(new Vmid(guest)), OperationCache.create())
                            .stream()
                            .map(image -> image.volid().volume().value())
                            .filter(name -> !name.startsWith("snap-"))
                            .toList();
            if (found.isEmpty() || (found.size() < MOST_VOLUMES && random.nextBoolean())) {
                made(() -> plugin.allocImage(storage, new Vmid(guest), Image.RAW, null, SIZE));
                return;
            }
            String volume = found.get(random.nextInt(found.size()));
            VolumeName name = new VolumeName(volume);
            if (guest == TEMPLATES) {
                ofTemplate(name);
                return;
            }
            switch (random.nextInt(6)) {
                case 0, 1 -> free(name);
                case 2 -> {
                    Vmid to = new Vmid(GUESTS.get(random.nextInt(GUESTS.size())));
                    made(() -> plugin.renameVolume(storage, name, to, null).volume());
                }
                case 3, 4 -> plugin.snapshotVolume(storage, name, new SnapshotName("at" + number + "-" + step));
                default -> plugin.resizeVolume(storage, name, ByteSize.ofKib(128), false, null);
            }
        }

        private void ofTemplate(VolumeName name) {
            if (!name.value().startsWith("base-")) {
                made(() -> {
                    VolumeName base = plugin.createBase(storage, name);
                    volumes.remove(id(name.value()));
                    return base;
                });
            } else if (random.nextInt(4) == 0) {
                free(name);
            } else {
                Vmid to = new Vmid(GUESTS.get(random.nextInt(GUESTS.size())));
                made(() -> plugin.cloneImage(storage, name, to, null));
            }
        }

        private void made(Supplier<VolumeName> making) {
            lock.lock();
            try {
                String volume = making.get().value();
                volumes.put(id(volume), volume);
            } finally {
                lock.unlock();
            }
        }

        private void free(VolumeName name) {
            lock.lock();
            try {
                String id = id(name.value());
                plugin.freeImage(storage, name, false, null);
                if (cluster().objects().stream()
                        .noneMatch(object -> object.globalId().equals(id))) {
                    volumes.remove(id);
                } else {
                    // Tenon leaves alone what has another name by now.
                    assertThat(volumes.get(id)).isNotNull().isNotEqualTo(name.value());
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
