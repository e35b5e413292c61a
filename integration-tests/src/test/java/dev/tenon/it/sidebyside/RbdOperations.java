package dev.tenon.it.sidebyside;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Random operations on images of a pool, most of them sensible and some deliberately wrong. Left out is what PVE's plugin
 * takes for something else: the snapshots of a linked clone are not cloned (it looks for them in a pool of the base image's
 * name), nor is removed what is not there (it fails), nor is a base image that has another name now made one again (its name is
 * changed first, and then it has the snapshot already).
 */
final class RbdOperations {
    private static final int MOST_VOLUMES = 6;
    private static final List<Long> GUESTS = List.of(100L, 101L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "Two_2", "three-3");
    private static final List<String> FEATURES =
            List.of("clone", "copy", "rename", "replicate", "snapshot", "sparseinit", "template");
    private static final long MIB = 1 << 20;

    private final Random random;
    private final String storage;
    /** By the names of images. */
    private final Map<String, List<String>> snapshots = new HashMap<>();
    /** The snapshots that were cloned: of each image at most one, for PVE unprotects several in no certain order. */
    private final Map<String, String> cloned = new HashMap<>();

    /** The images that are base images, whatever they are called. */
    private final Set<String> bases = new HashSet<>();

    private List<Listed> volumes = List.of();

    RbdOperations(Random random, String storage) {
        this.random = random;
        this.storage = storage;
    }

    Operation next() {
        Operation next = chosen();
        boolean isBaseAgain = next.function().equals("vdisk_create_base")
                && next.volid()
                        .map(RbdOperations::image)
                        .filter(name -> bases.contains(name) && !name.startsWith("base-"))
                        .isPresent();
        return isBaseAgain ? look() : next;
    }

    private Operation chosen() {
        if (volumes.isEmpty()) {
            return alloc();
        }
        int percent = random.nextInt(100);
        if (percent < 15) {
            return wrong();
        }
        if (percent < 30) {
            return look();
        }
        if (percent < 50) {
            return volumes.size() < MOST_VOLUMES ? more() : free();
        }
        return change();
    }

    private Operation alloc() {
        long guest = pick(GUESTS);
        String name = switch (random.nextInt(6)) {
            case 0 -> "vm-" + guest + "-state-" + random.nextInt(3);
            case 1 -> "vm-" + guest + "-a_b.c+d-" + random.nextInt(3);
            default -> null;
        };
        return Operation.of("vdisk_alloc", storage, guest, "raw", name, 1 + random.nextInt(8192));
    }

    private Operation more() {
        List<Listed> bases = volumes.stream().filter(Listed::isBase).toList();
        if (!bases.isEmpty() && random.nextInt(3) > 0) {
            return Operation.of("vdisk_clone", pick(bases).volid(), pick(GUESTS));
        }
        Listed volume = any(candidate -> !isClone(candidate) && hasSnapshots(candidate));
        if (random.nextBoolean() || isClone(volume) || !hasSnapshots(volume)) {
            return alloc();
        }
        String name = image(volume);
        String snapshot = cloned.computeIfAbsent(name, _ -> pick(snapshots(volume)));
        return Operation.of("vdisk_clone", volume.volid(), pick(GUESTS), snapshot);
    }

    private Operation free() {
        return Operation.of("vdisk_free", any(candidate -> true).volid());
    }

    private Operation change() {
        Listed volume = any(candidate -> !candidate.isBase());
        return switch (random.nextInt(12)) {
            case 0, 1 -> Operation.of("vdisk_create_base", volume.volid());
            case 2, 3, 4 -> Operation.of("volume_snapshot", volume.volid(), pick(SNAPSHOTS));
            case 5 -> ofSnapshot("volume_snapshot_rollback");
            case 6, 7 -> ofSnapshot("volume_snapshot_delete");
            case 8 -> Operation.of("volume_resize", volume.volid(), volume.size() + 1 + random.nextInt(3) * MIB, 0);
            case 9, 10 -> {
                long guest = pick(GUESTS);
                String name = random.nextInt(3) == 0 ? "vm-" + guest + "-disk-" + random.nextInt(6) : null;
                yield Operation.of("rename_volume", volume.volid(), guest, name);
            }
            default -> free();
        };
    }

    private Operation ofSnapshot(String function) {
        Listed volume = any(this::hasSnapshots);
        return Operation.of(function, volume.volid(), hasSnapshots(volume) ? pick(snapshots(volume)) : "unknown");
    }

    private Operation look() {
        String volid = any(volume -> true).volid();
        return switch (random.nextInt(6)) {
            case 0, 1 -> Operation.of("volume_size_info", volid);
            case 2 -> Operation.of("volume_has_feature", pick(FEATURES), volid);
            case 3 -> Operation.of("volume_has_feature", pick(FEATURES), volid, pick(SNAPSHOTS));
            case 4 -> random.nextBoolean() ? Operation.of("path", volid) : Operation.of("path", volid, "one");
            default -> Operation.of("find_free_diskname", storage, pick(GUESTS), "raw");
        };
    }

    private Operation wrong() {
        String volid = any(candidate -> true).volid();
        String nowhere = storage + ":vm-100-missing";
        String misnamed = storage + ":" + pick(List.of("bogus", "data", "vm-x-disk-0", "tenon-import-1-vm-100-disk-0"));
        long guest = pick(GUESTS);
        return switch (random.nextInt(12)) {
            case 0 -> Operation.of("vdisk_free", misnamed);
            case 1 ->
                Operation.of(
                        "vdisk_clone", any(candidate -> !candidate.isBase()).volid(), guest);
            case 2 ->
                Operation.of(
                        "vdisk_create_base",
                        random.nextBoolean() ? nowhere : any(Listed::isBase).volid());
            case 3 -> Operation.of("volume_snapshot", nowhere, "one");
            case 4 -> Operation.of("volume_snapshot_rollback", random.nextBoolean() ? nowhere : volid, "unknown");
            case 5 -> Operation.of("volume_snapshot_delete", random.nextBoolean() ? nowhere : volid, "unknown");
            case 6 -> Operation.of("volume_resize", nowhere, 8 * MIB, 0);
            case 7 -> Operation.of("vdisk_alloc", storage, guest, "raw", "bogus-" + guest + "-x", 1024);
            case 8 -> Operation.of("vdisk_alloc", storage, guest, "raw", image(any(volume -> true)), 1024);
            case 9 -> Operation.of("rename_volume", nowhere, guest, null);
            case 10 -> Operation.of("rename_volume", volid, guest, image(any(volume -> true)));
            default -> Operation.of("volume_size_info", random.nextBoolean() ? nowhere : misnamed);
        };
    }

    /** What was done, and the volumes that there are then. */
    void happened(Operation operation, Answer answer, List<Listed> listed) {
        volumes = listed;
        if (answer.error() != null) {
            return;
        }
        String volid = operation.volid().orElse("");
        String name = image(volid);
        switch (operation.function()) {
            case "volume_snapshot" ->
                snapshots.computeIfAbsent(name, _ -> new ArrayList<>()).add(operation.text(1));
            case "volume_snapshot_delete" -> {
                snapshots.getOrDefault(name, new ArrayList<>()).remove(operation.text(1));
                cloned.remove(name, operation.text(1));
            }
            case "vdisk_free" -> {
                snapshots.remove(name);
                cloned.remove(name);
                bases.remove(name);
            }
            case "vdisk_create_base", "rename_volume" -> {
                String renamed = image(String.valueOf(answer.result()));
                move(snapshots, name, renamed);
                move(cloned, name, renamed);
                if (bases.remove(name) || operation.function().equals("vdisk_create_base")) {
                    bases.add(renamed);
                }
            }
            default -> {}
        }
    }

    private static <T> void move(Map<String, T> map, String from, String to) {
        T value = map.remove(from);
        if (value != null) {
            map.put(to, value);
        }
    }

    private static boolean isClone(Listed volume) {
        return volume.volid().contains("/");
    }

    private static String image(Listed volume) {
        return image(volume.volid());
    }

    private static String image(String volid) {
        return volid.replaceFirst(".*[:/]", "");
    }

    private List<String> snapshots(Listed volume) {
        return snapshots.getOrDefault(image(volume), List.of());
    }

    private boolean hasSnapshots(Listed volume) {
        return !snapshots(volume).isEmpty();
    }

    /** One that fits, or any if none does. */
    private Listed any(Predicate<Listed> fits) {
        List<Listed> fitting = volumes.stream().filter(fits).toList();
        return pick(fitting.isEmpty() ? volumes : fitting);
    }

    private <T> T pick(List<T> items) {
        return items.get(random.nextInt(items.size()));
    }
}
