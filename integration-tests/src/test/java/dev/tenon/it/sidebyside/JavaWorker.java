package dev.tenon.it.sidebyside;

import dev.tenon.core.lock.ExclusiveLock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/** Does in Java what {@code storage-worker.pl} does in Perl. */
final class JavaWorker implements Callable<List<Held>> {
    private static final Duration LOCK_TIMEOUT = Duration.ofMinutes(5);
    private static final List<Long> GUESTS = List.of(100L, 101L, 102L);
    private static final long TEMPLATES = 9000;
    private static final int MOST_VOLUMES = 3;
    /** An extent of LVM, and a bit. */
    private static final long STEP_BYTES = (4 << 20) + 65_536;

    private final JavaSide side;
    private final ExclusiveLock lock;
    private final String storage;
    private final String name;
    private final List<String> formats;
    private final Random random;
    private final int count;

    JavaWorker(
            JavaSide side,
            ExclusiveLock lock,
            String storage,
            String name,
            List<String> formats,
            Random random,
            int count) {
        this.side = side;
        this.lock = lock;
        this.storage = storage;
        this.name = name;
        this.formats = formats;
        this.random = random;
        this.count = count;
    }

    @Override
    public List<Held> call() {
        List<Held> done = new ArrayList<>();
        for (int step = 1; step <= count; step++) {
            Operation operation = operation(step);
            done.add(lock.hold(LOCK_TIMEOUT, () -> {
                long enter = System.nanoTime();
                Answer answer = side.call(operation);
                return new Held(name, enter, System.nanoTime(), operation, answer);
            }));
        }
        return done;
    }

    private Operation operation(int step) {
        int guest = random.nextInt(GUESTS.size() + 1);
        if (guest == GUESTS.size()) {
            List<Listed> templates = volumes(TEMPLATES);
            boolean isMore = templates.size() < MOST_VOLUMES && random.nextInt(5) == 0;
            return isMore || templates.isEmpty() ? alloc(TEMPLATES) : ofTemplate(pick(templates));
        }
        List<Listed> volumes = volumes(GUESTS.get(guest));
        boolean isMore = volumes.size() < MOST_VOLUMES && random.nextBoolean();
        return isMore || volumes.isEmpty() ? alloc(GUESTS.get(guest)) : ofGuest(pick(volumes), step);
    }

    private List<Listed> volumes(long guest) {
        return side.list(Long.toString(guest));
    }

    private Operation alloc(long guest) {
        long kib = 64L * (1 + random.nextInt(16));
        return Operation.of("vdisk_alloc", storage, guest, pick(formats), null, kib);
    }

    private Operation ofTemplate(Listed volume) {
        if (!volume.isBase()) {
            return Operation.of("vdisk_create_base", volume.volid());
        }
        return random.nextInt(5) == 0
                ? Operation.of("vdisk_free", volume.volid())
                : Operation.of("vdisk_clone", volume.volid(), pick(GUESTS));
    }

    private Operation ofGuest(Listed volume, int step) {
        String volid = volume.volid();
        return switch (random.nextInt(8)) {
            case 0, 1 -> Operation.of("rename_volume", volid, pick(GUESTS), null);
            case 2, 3 -> Operation.of("vdisk_free", volid);
            case 4, 5 -> Operation.of("volume_resize", volid, volume.size() + STEP_BYTES, 0);
            case 6 -> Operation.of("volume_snapshot", volid, name + step);
            default -> ofSnapshot(volid, step);
        };
    }

    private Operation ofSnapshot(String volid, int step) {
        Answer infos = side.call(Operation.of("volume_snapshot_info", volid));
        if (infos.result() instanceof Map<?, ?> map && !map.isEmpty()) {
            String snapshot = pick(map.keySet().stream().map(String::valueOf).toList());
            return Operation.of(
                    random.nextBoolean() ? "volume_snapshot_rollback" : "volume_snapshot_delete", volid, snapshot);
        }
        return Operation.of("volume_snapshot", volid, name + step);
    }

    private <T> T pick(List<T> items) {
        return items.get(random.nextInt(items.size()));
    }
}
