package dev.tenon.it.sidebyside;

import java.util.List;
import java.util.Random;

/**
 * Random operations on volumes and file systems of ZFS, most of them sensible and some deliberately wrong. Left out is what
 * PVE's plugin takes for something else: for the numbers of guest 9000, whose base images are cloned, it looks in the ids of
 * linked clones, too, so that none of these belongs to that guest; and a base image is not renamed, as its clones would be told
 * to be of what is none.
 */
final class ZfsOperations extends BlockOperations {
    private static final long MIB = 1 << 20;
    private static final long TEMPLATES = 9000;
    private static final List<Long> OTHERS = List.of(100L, 101L);
    private static final List<String> WRONG_NAMES =
            List.of("vm-102-x", "base-100-disk-0", "subvol-100-disk-0", "disk", "-r", "vm-100");

    ZfsOperations(Random random, String storage) {
        super(random, storage);
    }

    private static boolean isBase(Listed volume) {
        return name(volume.volid()).startsWith("base");
    }

    private static boolean isClone(Listed volume) {
        return volume.volid().contains("/");
    }

    private static boolean isDisk(Listed volume) {
        return volume.format().equals("raw");
    }

    /** A template becomes a base image, and what others have does not. */
    private static boolean isTemplate(Listed volume) {
        return volume.owner().equals(Long.toString(TEMPLATES)) && !isBase(volume) && !isClone(volume);
    }

    @Override
    Next alloc() {
        boolean isDisk = random.nextInt(3) > 0;
        long guest = pick(GUESTS);
        String before = (isDisk ? "vm-" : "subvol-") + guest;
        String name = switch (random.nextInt(6)) {
            case 0 -> before + "-state-" + random.nextInt(3);
            case 1 -> before + "-a_b.c:d-" + random.nextInt(3);
            default -> null;
        };
        long kib = isDisk || random.nextBoolean() ? 1 + random.nextInt(8192) : 0;
        return Next.both("vdisk_alloc", storage, guest, isDisk ? "raw" : "subvol", name, Math.max(kib, isDisk ? 1 : 0));
    }

    @Override
    Next more() {
        List<Listed> bases = volumes().stream().filter(ZfsOperations::isBase).toList();
        return bases.isEmpty() || random.nextInt(3) == 0
                ? alloc()
                : Next.both("vdisk_clone", pick(bases).volid(), pick(OTHERS));
    }

    @Override
    Next change() {
        Listed volume = any(candidate -> !isBase(candidate));
        return switch (random.nextInt(12)) {
            case 0, 1 -> base();
            case 2, 3, 4 -> Next.both("volume_snapshot", volume.volid(), pick(SNAPSHOTS));
            case 5, 6 -> ofSnapshot("volume_snapshot_rollback");
            case 7 -> ofSnapshot("volume_snapshot_delete");
            case 8 -> resize(volume);
            case 9, 10 -> rename();
            default -> free(any(_ -> true));
        };
    }

    private Next base() {
        List<Listed> templates =
                volumes().stream().filter(ZfsOperations::isTemplate).toList();
        return templates.isEmpty()
                ? Next.both("vdisk_alloc", storage, TEMPLATES, random.nextBoolean() ? "raw" : "subvol", null, 4096)
                : Next.both("vdisk_create_base", pick(templates).volid());
    }

    private Next resize(Listed volume) {
        if (isDisk(volume) && volume.size() > MIB && random.nextInt(3) == 0) {
            return Next.java("unable to shrink", "volume_resize", volume.volid(), volume.size() - MIB, 0);
        }
        return Next.both("volume_resize", volume.volid(), volume.size() + 1 + random.nextInt(3) * MIB, 0);
    }

    private Next rename() {
        List<Listed> candidates =
                volumes().stream().filter(volume -> !isBase(volume)).toList();
        if (candidates.isEmpty()) {
            return alloc();
        }
        Listed volume = pick(candidates);
        long guest = pick(isClone(volume) ? OTHERS : GUESTS);
        String before = (isDisk(volume) ? "vm-" : "subvol-") + guest;
        String name = random.nextInt(3) == 0 ? before + "-disk-" + random.nextInt(6) : null;
        return Next.both("rename_volume", volume.volid(), guest, name);
    }

    private Next ofSnapshot(String function) {
        Listed volume = any(this::hasSnapshots);
        return Next.both(function, volume.volid(), hasSnapshots(volume) ? pick(snapshots(volume)) : "unknown");
    }

    @Override
    Next look() {
        String volid = any(_ -> true).volid();
        return switch (random.nextInt(6)) {
            case 0, 1 -> Next.both("volume_size_info", volid);
            case 2 -> Next.both("volume_has_feature", pick(FEATURES), volid);
            case 3 -> Next.both("volume_has_feature", pick(FEATURES), volid, pick(SNAPSHOTS));
            case 4 -> random.nextBoolean() ? Next.both("path", volid) : Next.both("path", volid, "one");
            default -> Next.both("volume_snapshot_info", volid);
        };
    }

    @Override
    Next wrong() {
        Listed volume = any(_ -> true);
        String volid = volume.volid();
        String nowhere = storage + ":" + pick(List.of("vm-100-missing", "subvol-100-missing"));
        String misnamed = storage + ":" + pick(List.of("bogus", "data", "vm-x-disk-0", "tenon-import-1-vm-100-disk-0"));
        long guest = pick(OTHERS);
        return switch (random.nextInt(16)) {
            case 0 -> Next.both("vdisk_free", random.nextBoolean() ? nowhere : misnamed);
            case 1 -> Next.both("vdisk_clone", any(other -> !isBase(other)).volid(), guest);
            case 2 -> Next.both("vdisk_create_base", random.nextBoolean() ? nowhere : baseOr(nowhere));
            case 3 -> Next.both("volume_snapshot", nowhere, "one");
            case 4 -> Next.both("volume_snapshot_rollback", random.nextBoolean() ? nowhere : volid, "unknown");
            case 5 -> Next.both("volume_snapshot_delete", random.nextBoolean() ? nowhere : volid, "unknown");
            case 6 -> Next.both("volume_resize", nowhere, 8 * MIB, 0);
            case 7 -> Next.both("rename_volume", nowhere, guest, null);
            case 8 -> Next.both("volume_size_info", random.nextBoolean() ? nowhere : misnamed);
            case 9 -> Next.both("vdisk_alloc", storage, 100, "raw", pick(WRONG_NAMES), 1024);
            case 10 -> Next.both("vdisk_alloc", storage, guest, pick(List.of("qcow2", "vmdk")), null, 1024);
            case 11 ->
                Next.both("rename_volume", volid, guest, name(any(_ -> true).volid()));
            case 12 -> existing(any(other -> !isBase(other)));
            case 13 -> Next.java("no snapshot of ZFS can be called", "volume_snapshot_delete", volid, "one,Two_2");
            case 14 ->
                Next.java(
                        "a new name of",
                        "rename_volume",
                        volid,
                        guest,
                        (isDisk(volume) ? "subvol-" : "vm-") + guest + "-other");
            default -> Next.both("volume_snapshot_info", nowhere);
        };
    }

    private String baseOr(String other) {
        return volumes().stream()
                .filter(ZfsOperations::isBase)
                .map(Listed::volid)
                .findFirst()
                .orElse(other);
    }

    private Next existing(Listed volume) {
        return isBase(volume)
                ? alloc()
                : Next.both(
                        "vdisk_alloc",
                        storage,
                        Long.parseLong(volume.owner()),
                        volume.format(),
                        name(volume.volid()),
                        1024);
    }
}
