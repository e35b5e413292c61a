package dev.tenon.it.storpool;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Deeds at random on the volumes of a cluster, most of them sensible and some deliberately wrong. */
final class Deeds {
    private static final int MOST_VOLUMES = 14;
    private static final List<Long> GUESTS = List.of(100L, 101L, 102L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "two", "before-update", "a.b");
    private static final List<String> UNFIT_SNAPSHOTS = List.of("Upper", "snap_", "snap-", "x", "with_Upper", "end.");
    private static final Object DONE = "done";

    private final Random random;
    private final Cluster cluster;
    /** Names that volumes had once. */
    private final List<String> former = new ArrayList<>();

    private List<String> volumes = List.of();

    /** Deeds on the volumes of this cluster, which is looked at past all plugins. */
    Deeds(Random random, Cluster cluster) {
        this.random = random;
        this.cluster = cluster;
    }

    /** What there is now. */
    void happened(List<String> names) {
        volumes.stream().filter(name -> !names.contains(name)).forEach(former::add);
        volumes = names;
        former.removeIf(names::contains);
    }

    Deed next() {
        int percent = random.nextInt(100);
        if (volumes.isEmpty() || percent < 22) {
            return volumes.size() < MOST_VOLUMES ? more() : free(pick(volumes));
        }
        if (percent < 40) {
            return look(pick(volumes));
        }
        return percent < 58 ? wrong() : change();
    }

    private Deed more() {
        long guest = pick(GUESTS);
        long kib = 1L + random.nextInt(2048);
        String name = switch (random.nextInt(8)) {
            case 0 -> "vm-" + guest + "-state-" + pick(SNAPSHOTS);
            case 1 -> "vm-" + guest + "-cloudinit";
            case 2 -> "vm-" + guest + "-disk-7";
            case 3 -> "anything";
            default -> null;
        };
        List<String> sources = volumes.stream()
                .filter(volume -> volume.startsWith("base-") || isDisk(volume) || isCloudInit(volume))
                .toList();
        if (!sources.isEmpty() && random.nextInt(3) == 0) {
            return copy(pick(sources), guest);
        }
        return alloc(guest, Image.RAW, name, kib);
    }

    private static Deed alloc(long guest, Format format, @Nullable String name, long kib) {
        return Deed.of(
                "alloc " + guest + " " + format.word() + " " + name + " " + kib,
                (plugin, storage) -> plugin.allocImage(storage, new Vmid(guest), format, name, ByteSize.ofKib(kib)));
    }

    private static Deed copy(String volume, long guest) {
        return Deed.of(
                "clone " + volume + " " + guest,
                (plugin, storage) -> plugin.cloneImage(storage, new VolumeName(volume), new Vmid(guest), null));
    }

    private static Deed free(String volume) {
        return Deed.of("free " + volume, (plugin, storage) -> {
            plugin.freeImage(storage, new VolumeName(volume), volume.startsWith("base-"), null);
            return DONE;
        });
    }

    private static Deed snapshot(String volume, String name) {
        return Deed.of("snapshot " + volume + " " + name, (plugin, storage) -> {
            plugin.snapshotVolume(storage, new VolumeName(volume), new SnapshotName(name));
            return DONE;
        });
    }

    private static Deed rollback(String volume, String name) {
        return Deed.of("rollback " + volume + " " + name, (plugin, storage) -> {
            plugin.rollback(storage, new VolumeName(volume), new SnapshotName(name));
            return DONE;
        });
    }

    private static Deed delete(String volume, String name) {
        return Deed.of("delete snapshot " + volume + " " + name, (plugin, storage) -> {
            plugin.deleteSnapshot(storage, new VolumeName(volume), new SnapshotName(name), false);
            return DONE;
        });
    }

    private static Deed renameSnapshot(String volume, String from, String to) {
        return Deed.of("rename snapshot " + volume + " " + from + " " + to, (plugin, storage) -> {
            plugin.renameSnapshot(storage, new VolumeName(volume), new SnapshotName(from), new SnapshotName(to));
            return DONE;
        });
    }

    private static Deed base(String volume) {
        return Deed.of("base " + volume, (plugin, storage) -> plugin.createBase(storage, new VolumeName(volume)));
    }

    private static Deed rename(String volume, long guest) {
        return Deed.of(
                "rename " + volume + " " + guest,
                (plugin, storage) -> plugin.renameVolume(storage, new VolumeName(volume), new Vmid(guest), null));
    }

    private static Deed resize(String volume, long bytes) {
        return Deed.of("resize " + volume + " " + bytes, (plugin, storage) -> {
            plugin.resizeVolume(storage, new VolumeName(volume), ByteSize.ofBytes(bytes), false, null);
            return DONE;
        });
    }

    private static Deed activate(String volume) {
        return Deed.of("activate " + volume, (plugin, storage) -> {
            plugin.activateVolume(storage, new VolumeName(volume), null, OperationCache.create(), Hints.NONE);
            return DONE;
        });
    }

    private Deed change() {
        String disk = one(Deeds::isDisk);
        if (disk == null) {
            return more();
        }
        List<String> taken = snapshots(disk);
        String known = taken.isEmpty() ? pick(SNAPSHOTS) : pick(taken);
        return switch (random.nextInt(12)) {
            case 0 -> taken.isEmpty() ? base(disk) : only(base(disk), "create_base not possible with snapshots");
            case 1, 2, 3 -> {
                String name = pick(SNAPSHOTS);
                yield taken.contains(name) ? only(snapshot(disk, name), "already exists") : snapshot(disk, name);
            }
            case 4, 5 -> rollback(disk, known);
            case 6, 7 -> taken.isEmpty() ? only(delete(disk, known), "does not exist on volume") : delete(disk, known);
            case 8 -> resize(disk, size(disk) + 512L * random.nextInt(4096) / 1024 * 1024);
            case 9 -> rename(disk, pick(GUESTS));
            case 10 -> renameSnapshot(disk, known, pick(SNAPSHOTS));
            default -> activate(pick(volumes));
        };
    }

    private static Deed only(Deed deed, String refusal) {
        return Deed.refused(deed.what(), refusal, deed.call());
    }

    private Deed look(String volume) {
        VolumeName name = new VolumeName(volume);
        return switch (random.nextInt(5)) {
            case 0, 1 ->
                Deed.of("size of " + volume, (plugin, storage) -> {
                    SizeInfo info = plugin.volumeSizeInfo(storage, name, null);
                    return info.size() + " " + info.used() + " " + info.format();
                });
            case 2 -> {
                Feature feature = pick(List.of(Feature.values()));
                SnapshotName snapshot = random.nextBoolean() ? null : new SnapshotName(pick(SNAPSHOTS));
                yield Deed.of(
                        feature + " of " + volume + " " + snapshot,
                        (plugin, storage) -> plugin.hasFeature(storage, feature, name, snapshot, false, null));
            }
            case 3 ->
                Deed.of("parse " + volume, (plugin, storage) -> {
                    ParsedVolume parsed = plugin.parseVolname(name);
                    boolean isBase = parsed instanceof ParsedVolume.GuestImage image && image.isBase();
                    return parsed.type() + " " + parsed.owner() + " " + isBase;
                });
            default ->
                Deed.of("status", (plugin, storage) ->
                        (StorageStatus.Active) plugin.status(storage, OperationCache.create()));
        };
    }

    private static final List<String> MISSING =
            List.of("vm-100-disk-0-sp-z.z.z.raw", "base-100-disk-0-sp-z.z.z.raw", "snap-100-state-one-sp-z.z.z.raw");

    private static final List<String> MISNAMED =
            List.of("bogus", "vm-100-disk-00-sp-a.b.1.raw", "vm-100-disk-0.raw", "vm-100-state-one", "x.iso");

    private Deed wrong() {
        long guest = pick(GUESTS);
        String nowhere = pick(random.nextBoolean() ? MISSING : MISNAMED);
        String disk = one(Deeds::isDisk);
        String odd = one(volume -> !isDisk(volume));
        return switch (random.nextInt(15)) {
            case 0 -> copy(nowhere, guest);
            case 1 -> base(nowhere);
            case 2 -> rollback(nowhere, "one");
            case 3 -> resize(nowhere, 1 << 20);
            case 4 -> rename(nowhere, guest);
            case 5 -> activate(nowhere);
            case 6 -> snapshot(nowhere, "one");
            case 7 -> alloc(guest, Image.QCOW2, null, 64);
            case 8 -> alloc(guest, Image.RAW, "vm-" + (guest + 1) + "-state-one", 64);
            case 9 ->
                only(
                        alloc(guest, Image.RAW, "vm-" + guest + "-state-" + pick(UNFIT_SNAPSHOTS), 64),
                        "no snapshot in StorPool");
            case 10 ->
                disk == null
                        ? more()
                        : only(snapshot(disk, pick(UNFIT_SNAPSHOTS)), "no snapshot in StorPool can be called");
            case 11 -> disk == null ? more() : resize(disk, Math.max(1024, size(disk) / 2 / 1024 * 1024));
            case 12 -> odd == null ? more() : oddly(odd, guest);
            case 13 -> disk == null ? more() : rollback(disk, "never-taken");
            default -> {
                String gone = former.isEmpty() ? null : pick(former);
                yield gone == null || isCloudInit(gone) ? more() : only(rename(gone, guest), "does not exist");
            }
        };
    }

    /** What can be done to a disk only. */
    private Deed oddly(String volume, long guest) {
        boolean isVolume = volume.contains("-state-") || isCloudInit(volume);
        return switch (random.nextInt(5)) {
            case 0 -> isVolume ? only(snapshot(volume, "one"), "only disks of guests") : snapshot(volume, "one");
            case 1 -> isVolume ? only(base(volume), "create_base on wrong vtype") : base(volume);
            case 2 ->
                volume.contains("-state-")
                        ? only(copy(volume, guest), "clone_image on wrong vtype")
                        : rollback(volume, "one");
            case 3 ->
                volume.contains("-state-") ? only(rename(volume, guest), "unable to rename") : rename(volume, guest);
            default -> isVolume ? activate(volume) : resize(volume, 1 << 22);
        };
    }

    private static boolean isDisk(String volume) {
        return volume.matches("vm-\\d+-disk-.*");
    }

    private static boolean isCloudInit(String volume) {
        return volume.contains("-cloudinit");
    }

    private static String id(String volume) {
        return volume.replaceFirst(".*-sp-([^-]*)\\.\\w+$", "$1");
    }

    private long size(String volume) {
        return cluster.objects().stream()
                .filter(object -> object.globalId().equals(id(volume)))
                .mapToLong(Stored::size)
                .findFirst()
                .orElseThrow();
    }

    private List<String> snapshots(String volume) {
        return cluster.objects().stream()
                .filter(object -> id(volume).equals(object.tags().get("pve-snap-v")))
                .map(object -> String.valueOf(object.tags().get("pve-snap")))
                .toList();
    }

    private @Nullable String one(Predicate<String> fit) {
        List<String> candidates = volumes.stream().filter(fit).toList();
        return candidates.isEmpty() ? null : pick(candidates);
    }

    private <T> T pick(List<T> items) {
        return items.get(random.nextInt(items.size()));
    }
}
