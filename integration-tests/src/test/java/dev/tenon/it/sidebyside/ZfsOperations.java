package dev.tenon.it.sidebyside;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Random operations on volumes of ZFS, most of them sensible and some deliberately wrong. What the type does on purpose in another
 * way than PVE's plugin is told to Java alone.
 */
final class ZfsOperations {
    private static final int MOST_VOLUMES = 6;
    private static final List<Long> GUESTS = List.of(100L, 101L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "Two_2", "three-3");
    private static final List<String> FORMATS = List.of("raw", "subvol");
    private static final List<String> FEATURES =
            List.of("clone", "copy", "rename", "replicate", "snapshot", "sparseinit", "template");
    private static final List<String> WRONG_NAMES =
            List.of("vm-102-x", "vm-100", "subvol-100-x", "disk", "with space", "-r");
    private static final int MIB = 1 << 20;

    private final Random random;
    private final String storage;
    private final Map<String, List<String>> snapshots = new HashMap<>();
    private List<Listed> volumes = List.of();

    /**
     * What is done next.
     *
     * @param refusal what Java's refusal contains, if PVE is not told because it would do harm; null if it is told
     */
    record Next(Operation operation, @Nullable String refusal) {
        static Next both(String function, @Nullable Object... arguments) {
            return new Next(Operation.of(function, arguments), null);
        }

        static Next java(String refusal, String function, @Nullable Object... arguments) {
            return new Next(Operation.of(function, arguments), refusal);
        }
    }

    ZfsOperations(Random random, String storage) {
        this.random = random;
        this.storage = storage;
    }

    Next next() {
        if (volumes.isEmpty()) {
            return alloc();
        }
        int percent = random.nextInt(100);
        if (percent < 18) {
            return wrong();
        }
        if (percent < 30) {
            return look();
        }
        if (percent < 50) {
            return volumes.size() < MOST_VOLUMES ? more() : free(any(volume -> true));
        }
        return change();
    }

    private static boolean isBase(Listed volume) {
        return volume.file().matches("(.*/)?(base|basevol)-[^/]*");
    }

    private Next more() {
        List<Listed> bases = volumes.stream().filter(ZfsOperations::isBase).toList();
        return bases.isEmpty() || random.nextBoolean()
                ? alloc()
                : Next.both("vdisk_clone", pick(bases).volid(), pick(GUESTS));
    }

    private Next alloc() {
        String format = pick(FORMATS);
        long guest = pick(GUESTS);
        String name = random.nextInt(4) == 0
                ? (format.equals("raw") ? "vm-" : "subvol-") + guest + "-a_b.c-d-" + random.nextInt(3)
                : null;
        return Next.both("vdisk_alloc", storage, guest, format, name, 1024 + random.nextInt(8192));
    }

    private static Next free(Listed volume) {
        return Next.both("vdisk_free", volume.volid());
    }

    private Next change() {
        Listed volume = any(candidate -> !isBase(candidate));
        return switch (random.nextInt(12)) {
            case 0, 1 -> Next.both("vdisk_create_base", volume.volid());
            case 2, 3, 4 -> Next.both("volume_snapshot", volume.volid(), pick(SNAPSHOTS));
            case 5, 6 -> ofSnapshot("volume_snapshot_rollback");
            case 7, 8 -> ofSnapshot("volume_snapshot_delete");
            case 9 -> Next.both("volume_resize", volume.volid(), (volume.size() / 1024 + 1500) * 1024, 0);
            case 10 -> rename(volume);
            default -> free(any(candidate -> true));
        };
    }

    private Next rename(Listed volume) {
        long guest = pick(GUESTS);
        String kind = volume.format().equals("raw") ? "vm-" : "subvol-";
        return switch (random.nextInt(4)) {
            case 0 -> Next.both("rename_volume", volume.volid(), guest, kind + guest + "-disk-" + random.nextInt(6));
            case 1 ->
                Next.java(
                        "illegal name",
                        "rename_volume",
                        volume.volid(),
                        guest,
                        (kind.equals("vm-") ? "subvol-" : "vm-") + guest + "-other");
            default -> Next.both("rename_volume", volume.volid(), guest, null);
        };
    }

    private Next ofSnapshot(String function) {
        Listed volume = any(candidate -> !snapshots(candidate).isEmpty());
        return Next.both(function, volume.volid(), snapshots(volume).isEmpty() ? "unknown" : pick(snapshots(volume)));
    }

    private Next look() {
        String volid = any(volume -> true).volid();
        return switch (random.nextInt(6)) {
            case 0 -> Next.both("volume_size_info", volid);
            case 1 -> Next.both("volume_snapshot_info", volid);
            case 2 -> Next.both("volume_has_feature", pick(FEATURES), volid);
            case 3 -> Next.both("volume_has_feature", pick(FEATURES), volid, pick(SNAPSHOTS));
            case 4 -> random.nextBoolean() ? Next.both("path", volid) : Next.both("path", volid, "one");
            default -> Next.both("find_free_diskname", storage, pick(GUESTS), pick(FORMATS));
        };
    }

    private Next wrong() {
        Listed volume = any(candidate -> true);
        String volid = volume.volid();
        String nowhere = storage + ":" + pick(List.of("vm-100-missing", "subvol-100-missing"));
        String misnamed = storage + ":" + pick(List.of("bogus", "data", "vm-x-disk-0", "vm-100"));
        long guest = pick(GUESTS);
        return switch (random.nextInt(14)) {
            case 0 -> Next.both("vdisk_free", nowhere);
            case 1 -> Next.both("vdisk_free", misnamed);
            case 2 ->
                Next.both("vdisk_clone", any(candidate -> !isBase(candidate)).volid(), guest);
            case 3 -> Next.both("vdisk_create_base", random.nextBoolean() ? nowhere : volid);
            case 4 -> Next.both("volume_snapshot", nowhere, "one");
            case 5 -> Next.both("volume_snapshot_rollback", random.nextBoolean() ? nowhere : volid, "unknown");
            case 6 -> Next.both("volume_snapshot_delete", random.nextBoolean() ? nowhere : volid, "unknown");
            case 7 -> Next.both("volume_resize", nowhere, 1 << 30, 0);
            case 8 -> Next.both("rename_volume", nowhere, guest, null);
            case 9 -> Next.both("volume_size_info", nowhere);
            case 10 -> Next.both("vdisk_alloc", storage, owner(volume), volume.format(), name(volume), 1024);
            case 11 -> Next.both("vdisk_alloc", storage, guest, pick(FORMATS), pick(WRONG_NAMES), 1024);
            case 12 -> Next.both("vdisk_alloc", storage, guest, pick(List.of("vmdk", "qcow2")), null, 1024);
            default ->
                volume.format().equals("raw") && volume.size() > MIB
                        ? Next.java("unable to shrink", "volume_resize", volid, 1024, 0)
                        : Next.both("volume_resize", nowhere, 1 << 30, 0);
        };
    }

    private static String name(Listed volume) {
        return volume.file().substring(volume.file().lastIndexOf('/') + 1);
    }

    private static long owner(Listed volume) {
        return Long.parseLong(volume.owner());
    }

    private List<String> snapshots(Listed volume) {
        return snapshots.getOrDefault(volume.volid(), List.of());
    }

    /** One of these, or of all if there is none; now and then an unfit one. */
    private Listed any(Predicate<Listed> fit) {
        List<Listed> candidates = volumes.stream().filter(fit).toList();
        return candidates.isEmpty() || random.nextInt(12) == 0 ? pick(volumes) : pick(candidates);
    }

    private <T> T pick(List<T> items) {
        return items.get(random.nextInt(items.size()));
    }

    /** What there is after an operation. */
    void happened(Operation operation, Answer answer, List<Listed> listed) {
        volumes = listed;
        if (answer.error() != null) {
            return;
        }
        String subject = operation.volid().orElse("");
        switch (operation.function()) {
            case "vdisk_free" -> snapshots.remove(subject);
            case "rename_volume", "vdisk_create_base" -> {
                List<String> moved = snapshots.remove(subject);
                if (moved != null) {
                    snapshots.put(String.valueOf(answer.result()), moved);
                }
            }
            case "volume_snapshot" ->
                snapshots.computeIfAbsent(subject, absent -> new ArrayList<>()).add(operation.text(1));
            case "volume_snapshot_delete" ->
                snapshots.getOrDefault(subject, new ArrayList<>()).remove(operation.text(1));
            default -> {}
        }
    }
}
