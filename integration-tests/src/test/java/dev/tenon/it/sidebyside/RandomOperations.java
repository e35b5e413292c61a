package dev.tenon.it.sidebyside;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Random operations on a storage, most of them sensible and some deliberately wrong. */
final class RandomOperations extends Choice<Operation> {
    private static final Shares SHARES = new Shares(14, 14, 24, 7);
    private static final List<Long> GUESTS = List.of(100L, 101L, 102L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "two", "three");
    private static final List<String> FEATURES =
            List.of("clone", "copy", "rename", "replicate", "snapshot", "sparseinit", "template");
    private static final long STEP_BYTES = 192 << 10;

    private final String storage;
    private final List<String> formats;
    /** By the file of the image, as a linked clone has another id while it has snapshots in a chain. */
    private final Map<String, Set<String>> snapshots = new HashMap<>();

    private final Map<String, String> bases = new HashMap<>();

    /** @param formats those that both sides have */
    RandomOperations(Random random, String storage, List<String> formats) {
        super(random, SHARES);
        this.storage = storage;
        this.formats = formats;
    }

    /** The snapshots of the volume with this id. */
    Set<String> snapshots(String volid) {
        return snapshots.getOrDefault(file(volid), Set.of());
    }

    /** Whether there is a linked clone of this base image that has snapshots. */
    boolean hasCloneWithSnapshots(String volid) {
        return bases.entrySet().stream()
                .anyMatch(clone -> clone.getValue().equals(file(volid))
                        && !snapshots.getOrDefault(clone.getKey(), Set.of()).isEmpty());
    }

    /** Whether it is a linked clone, also if its id does not tell. */
    boolean isClone(String volid) {
        return bases.containsKey(file(volid));
    }

    private static String file(String volid) {
        return volid.replaceFirst("^(?:.*[:/])?([^:/]+/[^:/]+)$", "$1");
    }

    @Override
    Operation more() {
        List<Listed> bases = volumes().stream().filter(Listed::isBase).toList();
        return bases.isEmpty() || random.nextInt(3) == 0 ? alloc() : clone(pick(bases));
    }

    @Override
    Operation alloc() {
        String format = pick(formats);
        long guest = pick(GUESTS);
        String name = switch (random.nextInt(6)) {
            case 0 -> "vm-" + guest + "-state" + random.nextInt(3) + "." + format;
            case 1 -> "free-form." + format;
            default -> null;
        };
        long kib = format.equals("subvol") ? 0 : 1 + random.nextInt(4096);
        return Operation.of("vdisk_alloc", storage, guest, format, name, kib);
    }

    private Operation clone(Listed volume) {
        return Operation.of("vdisk_clone", volume.volid(), pick(GUESTS));
    }

    @Override
    Operation free(Listed volume) {
        return Operation.of("vdisk_free", volume.volid());
    }

    @Override
    Operation change() {
        return switch (random.nextInt(12)) {
            case 0 ->
                Operation.of(
                        "vdisk_create_base", any(volume -> !volume.isBase()).volid());
            case 1, 2, 3 -> Operation.of("volume_snapshot", withSnapshots().volid(), pick(SNAPSHOTS));
            case 4, 5 -> ofSnapshot("volume_snapshot_rollback");
            case 6, 7 -> ofSnapshot("volume_snapshot_delete");
            case 8 -> larger(any(volume -> !volume.isBase()));
            case 9, 10 -> rename(any(volume -> !volume.isBase()));
            default -> free(any(volume -> true));
        };
    }

    private Operation larger(Listed volume) {
        return Operation.of("volume_resize", volume.volid(), volume.size() + random.nextLong(STEP_BYTES), 0);
    }

    private Operation rename(Listed volume) {
        long guest = pick(GUESTS);
        String name =
                random.nextInt(3) == 0 ? "vm-" + guest + "-disk-" + random.nextInt(6) + "." + extension(volume) : null;
        return Operation.of("rename_volume", volume.volid(), guest, name);
    }

    /** An image with a snapshot, if there is one, and a name that it mostly has. */
    private Operation ofSnapshot(String function) {
        Listed volume = any(candidate -> !snapshots(candidate.volid()).isEmpty());
        List<String> names = new ArrayList<>(snapshots(volume.volid()));
        return Operation.of(
                function, volume.volid(), names.isEmpty() || random.nextInt(8) == 0 ? pick(SNAPSHOTS) : pick(names));
    }

    private Listed withSnapshots() {
        return any(volume -> volume.format().equals("qcow2") && !volume.isBase());
    }

    @Override
    Operation look() {
        String volid = any(volume -> true).volid();
        return switch (random.nextInt(7)) {
            case 0, 1 -> Operation.of("volume_size_info", volid);
            case 2, 3 ->
                Operation.of(
                        "volume_snapshot_info",
                        any(volume -> !volume.isDirectory()).volid());
            case 4 ->
                random.nextBoolean()
                        ? Operation.of("volume_has_feature", pick(FEATURES), volid)
                        : Operation.of("volume_has_feature", pick(FEATURES), volid, pick(SNAPSHOTS));
            case 5 -> random.nextBoolean() ? Operation.of("path", volid) : Operation.of("path", volid, "one");
            default -> Operation.of("find_free_diskname", storage, pick(GUESTS), pick(formats));
        };
    }

    @Override
    Operation wrong() {
        Listed volume = any(candidate -> true);
        String volid = volume.volid();
        String missing = storage + ":" + pick(GUESTS) + "/vm-100-missing." + pick(formats);
        String misnamed = storage + ":"
                + pick(List.of("bogus", "100/notes.txt", "100/a/b.raw", "100/snap-x-vm-100-disk-0.qcow2", "x/vm.raw"));
        String nowhere = random.nextBoolean() ? missing : misnamed;
        long guest = pick(GUESTS);
        return switch (random.nextInt(18)) {
            case 0 -> Operation.of("vdisk_free", nowhere);
            case 1 -> Operation.of("vdisk_clone", nowhere, guest);
            case 2 -> Operation.of("vdisk_create_base", nowhere);
            case 3 -> Operation.of("volume_snapshot", nowhere, "one");
            case 4 -> Operation.of("volume_snapshot_rollback", nowhere, "one");
            case 5 -> Operation.of("volume_snapshot_delete", nowhere, "one");
            case 6 -> Operation.of("volume_resize", nowhere, 1 << 20, 0);
            case 7 -> Operation.of("rename_volume", nowhere, guest, null);
            case 8 -> Operation.of("volume_size_info", nowhere);
            case 9 -> Operation.of("volume_snapshot_info", nowhere);
            case 10 -> existing(any(candidate -> !candidate.isDirectory()));
            case 11 -> Operation.of("vdisk_alloc", storage, guest, "raw", pick(WRONG_NAMES), 1024);
            case 12 -> Operation.of("vdisk_alloc", storage, guest, pick(formats), null, 64);
            case 13 -> Operation.of("vdisk_create_base", any(Listed::isBase).volid());
            case 14 ->
                random.nextBoolean()
                        ? Operation.of("vdisk_clone", volid, guest)
                        : Operation.of("vdisk_clone", volid, guest, "one");
            case 15 -> Operation.of("volume_resize", volid, volume.size() / 2, 0);
            case 16 ->
                Operation.of(
                        "rename_volume",
                        volid,
                        guest,
                        any(candidate -> true).file().replaceFirst(".*/", ""));
            default ->
                Operation.of(
                        pick(List.of("volume_snapshot", "volume_snapshot_rollback", "volume_snapshot_delete")),
                        volid,
                        "unknown");
        };
    }

    private static final List<String> WRONG_NAMES = List.of(
            "vm-100-x.qcow2", "vm-100-x", "a/b.raw", "snap-x-vm-100-disk-0.qcow2", "with space.raw", "vm-100-x.iso");

    private Operation existing(Listed volume) {
        String[] file = volume.file().split("/", -1);
        return Operation.of("vdisk_alloc", storage, Long.parseLong(file[0]), extension(volume), file[1], 1024);
    }

    private static String extension(Listed volume) {
        return volume.file().substring(volume.file().lastIndexOf('.') + 1);
    }

    /** What there is after an operation. */
    void happened(Operation operation, Answer answer, List<Listed> listed) {
        listed(listed);
        if (answer.error() != null) {
            return;
        }
        String subject = operation.volid().map(RandomOperations::file).orElse("");
        String made = file(String.valueOf(answer.result()));
        switch (operation.function()) {
            case "vdisk_free" -> {
                snapshots.remove(subject);
                bases.remove(subject);
            }
            case "vdisk_clone" -> bases.put(made, subject);
            case "vdisk_create_base", "rename_volume" -> {
                move(snapshots, subject, made);
                move(bases, subject, made);
            }
            case "volume_snapshot" ->
                snapshots.computeIfAbsent(subject, absent -> new TreeSet<>()).add(operation.text(1));
            case "volume_snapshot_delete" ->
                snapshots.getOrDefault(subject, new TreeSet<>()).remove(operation.text(1));
            default -> {}
        }
    }

    private static <T> void move(Map<String, T> map, String from, String to) {
        T moved = map.remove(from);
        if (moved != null) {
            map.put(to, moved);
        }
    }
}
