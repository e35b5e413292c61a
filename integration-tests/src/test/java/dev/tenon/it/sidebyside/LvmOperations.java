package dev.tenon.it.sidebyside;

import java.util.List;
import java.util.Random;

/** Random operations on volumes of LVM, most of them sensible and some deliberately wrong. */
final class LvmOperations extends BlockOperations {
    /** What one byte is rounded up to. */
    private static final long EXTENT_BYTES = 4 << 20;

    private final boolean isThin;

    LvmOperations(Random random, String storage, boolean isThin) {
        super(random, storage);
        this.isThin = isThin;
    }

    @Override
    Next more() {
        List<Listed> bases = volumes().stream().filter(Listed::isBase).toList();
        if (!isThin || random.nextInt(3) == 0) {
            return alloc();
        }
        if (!bases.isEmpty() && random.nextBoolean()) {
            return Next.both("vdisk_clone", pick(bases).volid(), pick(GUESTS));
        }
        Listed volume = any(this::hasSnapshots);
        return hasSnapshots(volume)
                ? Next.both("vdisk_clone", volume.volid(), pick(GUESTS), pick(snapshots(volume)))
                : alloc();
    }

    @Override
    Next alloc() {
        String format = isThin || random.nextInt(4) == 0 ? "raw" : "qcow2";
        long guest = pick(GUESTS);
        String ending = format.equals("qcow2") ? ".qcow2" : "";
        String name = switch (random.nextInt(6)) {
            case 0 -> "vm-" + guest + "-state" + random.nextInt(3) + ending;
            case 1 -> "vm-" + guest + "-a_b.c-d-" + random.nextInt(3) + ending;
            default -> null;
        };
        return Next.both("vdisk_alloc", storage, guest, format, name, 1 + random.nextInt(8192));
    }

    @Override
    Next change() {
        Listed volume = any(candidate ->
                !candidate.isBase() && (isThin || candidate.format().equals("qcow2")));
        return switch (random.nextInt(12)) {
            case 0 -> Next.both("vdisk_create_base", volume.volid());
            case 1, 2, 3, 4 -> Next.both("volume_snapshot", volume.volid(), pick(SNAPSHOTS));
            case 5, 6 -> ofSnapshot("volume_snapshot_rollback");
            case 7, 8 -> ofSnapshot("volume_snapshot_delete");
            case 9 -> Next.both("volume_resize", volume.volid(), volume.size() + 1 + 2 * EXTENT_BYTES, 0);
            case 10 -> rename(volume);
            default -> free(any(candidate -> true));
        };
    }

    private Next rename(Listed volume) {
        long guest = pick(GUESTS);
        String ending = volume.format().equals("qcow2") ? ".qcow2" : "";
        String name = random.nextInt(3) == 0 ? "vm-" + guest + "-disk-" + random.nextInt(6) + ending : null;
        return isThin && hasSnapshots(volume)
                ? Next.java("it has snapshots", "rename_volume", volume.volid(), guest, name)
                : Next.both("rename_volume", volume.volid(), guest, name);
    }

    private Next ofSnapshot(String function) {
        Listed volume = any(this::hasSnapshots);
        return hasSnapshots(volume)
                ? Next.both(function, volume.volid(), pick(snapshots(volume)))
                : missing(function, volume.volid());
    }

    /** PVE removes a thin volume before it finds out that it has no such snapshot. */
    private Next missing(String function, String volid) {
        return isThin && function.equals("volume_snapshot_rollback")
                ? Next.java("no such logical volume", function, volid, "unknown")
                : Next.both(function, volid, "unknown");
    }

    @Override
    Next look() {
        String volid = any(volume -> true).volid();
        String qcow2 = any(volume -> volume.format().equals("qcow2")).volid();
        return switch (random.nextInt(6)) {
            case 0 -> Next.both("volume_size_info", volid);
            case 1 ->
                qcow2.endsWith(".qcow2")
                        ? Next.both("volume_snapshot_info", qcow2)
                        : Next.both("volume_size_info", volid);
            case 2 -> Next.both("volume_has_feature", pick(FEATURES), volid);
            case 3 -> Next.both("volume_has_feature", pick(FEATURES), volid, pick(SNAPSHOTS));
            case 4 -> random.nextBoolean() ? Next.both("path", volid) : Next.both("path", volid, "one");
            default ->
                Next.both(
                        "find_free_diskname", storage, pick(GUESTS), isThin || random.nextBoolean() ? "raw" : "qcow2");
        };
    }

    @Override
    Next wrong() {
        Listed volume = any(candidate -> true);
        String volid = volume.volid();
        String nowhere = storage + ":vm-100-missing" + (isThin ? "" : ".qcow2");
        String misnamed = storage + ":" + pick(List.of("bogus", "data", "snap_vm-100-disk-0_one", "del-vm-100-disk-0"));
        long guest = pick(GUESTS);
        return switch (random.nextInt(14)) {
            case 0 -> isThin ? Next.both("vdisk_free", nowhere) : Next.both("vdisk_free", misnamed);
            case 1 -> Next.both("vdisk_free", misnamed);
            case 2 ->
                Next.both("vdisk_clone", any(candidate -> !candidate.isBase()).volid(), guest);
            case 3 -> Next.both("vdisk_create_base", random.nextBoolean() ? nowhere : volid);
            case 4 -> Next.both("volume_snapshot", nowhere, "one");
            case 5 -> missing("volume_snapshot_rollback", nowhere);
            case 6 -> missing("volume_snapshot_delete", random.nextBoolean() ? nowhere : volid);
            case 7 -> Next.both("volume_resize", nowhere, 1 << 30, 0);
            case 8 -> Next.both("rename_volume", nowhere, guest, null);
            case 9 -> Next.both("volume_size_info", nowhere);
            case 10 -> Next.both("vdisk_alloc", storage, guest, volume.format(), volume.file(), 1024);
            case 11 -> Next.both("vdisk_alloc", storage, guest, "raw", pick(WRONG_NAMES), 1024);
            case 12 -> Next.both("vdisk_alloc", storage, guest, pick(List.of("vmdk", "subvol")), null, 1024);
            // PVE refuses what makes a volume as large as it is.
            default ->
                volume.size() > EXTENT_BYTES
                        ? Next.both("volume_resize", volid, 1024, 0)
                        : Next.both("volume_resize", nowhere, 1 << 30, 0);
        };
    }

    private static final List<String> WRONG_NAMES = List.of(
            "vm-102-x.qcow2", "vm-100", "snap_vm-100-disk-0_x", "disk", "with space", "vm-100-a/b", "-vm-100-x");
}
