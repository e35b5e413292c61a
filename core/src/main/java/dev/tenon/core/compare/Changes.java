package dev.tenon.core.compare;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;

/** Changes of a storage: first each that is to be refused and each that is not, then random ones, of which most make sense. */
final class Changes {
    private static final int MOST_VOLUMES = 6;
    private static final int PERCENT = 100;
    private static final int WRONG = 12;
    private static final List<Long> GUESTS = List.of(100L, 101L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "two", "three");
    private static final long STEP_BYTES = 192 << 10;
    private static final VolumeName MISSING = new VolumeName("4711/vm-4711-disk-9.raw");
    private static final VolumeName ODD = new VolumeName("4711/vm-4711-disk-9.odd");

    private final Deque<Function<VolumeName, Step>> first = new ArrayDeque<>();
    private final Random random;
    private final List<Format.Image> formats;

    Changes(long seed, Formats formats) {
        this.random = new Random(seed);
        List<Format.Image> usual = Stream.of(Format.Image.RAW, Format.Image.QCOW2)
                .filter(formats.valid()::contains)
                .toList();
        this.formats = usual.isEmpty() ? List.of(Format.Image.RAW) : usual;
        impossible().forEach(step -> first.add(volume -> step));
        first.addAll(possible(this.formats.getLast()));
    }

    /** The next one for a storage with these volumes. */
    Step next(List<VolumeInfo> volumes) {
        List<VolumeName> names = volumes.stream()
                .map(volume -> volume.volid().volume())
                .sorted(Comparator.comparing(VolumeName::value))
                .toList();
        if (!first.isEmpty()) {
            return first.removeFirst().apply(names.isEmpty() ? MISSING : names.getFirst());
        }
        if (names.isEmpty() || (names.size() < MOST_VOLUMES && random.nextInt(4) == 0)) {
            return new Step.Alloc(guest(), pick(formats), ByteSize.ofKib(64L * (1 + random.nextInt(64))));
        }
        VolumeName volume = random.nextInt(PERCENT) < WRONG ? MISSING : pick(names);
        SnapshotName snapshot = new SnapshotName(pick(SNAPSHOTS));
        List<Step> choices = new ArrayList<>(List.of(
                new Step.Free(volume),
                new Step.Resize(volume, ByteSize.ofBytes(STEP_BYTES * (1 + random.nextInt(40)))),
                new Step.Snapshot(volume, snapshot),
                new Step.Snapshot(volume, snapshot),
                new Step.Rollback(volume, snapshot),
                new Step.DeleteSnapshot(volume, snapshot),
                new Step.Rename(volume, another(volume, guest())),
                new Step.Clone(volume, another(volume, guest())),
                new Step.Attribute(volume, VolumeAttribute.NOTES, "note " + random.nextInt(10))));
        if (names.size() > 2) {
            choices.add(new Step.Base(volume));
        }
        return pick(choices);
    }

    /** Each change of a volume that is missing, and of one whose name means nothing. */
    private static List<Step> impossible() {
        SnapshotName snapshot = new SnapshotName(SNAPSHOTS.getFirst());
        Vmid guest = new Vmid(GUESTS.getFirst());
        return Stream.of(MISSING, ODD)
                .<Step>mapMulti((volume, steps) -> List.of(
                                new Step.Free(volume),
                                new Step.Resize(volume, ByteSize.ofBytes(STEP_BYTES)),
                                new Step.Snapshot(volume, snapshot),
                                new Step.Rollback(volume, snapshot),
                                new Step.DeleteSnapshot(volume, snapshot),
                                new Step.Rename(volume, guest),
                                new Step.Clone(volume, guest),
                                new Step.Base(volume))
                        .forEach(steps))
                .toList();
    }

    /** Each change of the only volume there is, and what a base image refuses: chance may never make one that is not refused. */
    private static List<Function<VolumeName, Step>> possible(Format.Image format) {
        SnapshotName snapshot = new SnapshotName(SNAPSHOTS.getFirst());
        return List.of(
                volume -> new Step.Alloc(new Vmid(GUESTS.getFirst()), format, ByteSize.ofBytes(STEP_BYTES)),
                volume -> new Step.Snapshot(volume, snapshot),
                volume -> new Step.Rollback(volume, snapshot),
                volume -> new Step.DeleteSnapshot(volume, snapshot),
                volume -> new Step.Resize(volume, ByteSize.ofBytes(2 * STEP_BYTES)),
                volume -> new Step.Rename(volume, new Vmid(GUESTS.getLast())),
                volume -> new Step.Attribute(volume, VolumeAttribute.NOTES, "a note"),
                Step.Base::new,
                Step.Base::new,
                volume -> new Step.Rename(volume, new Vmid(GUESTS.getFirst())),
                volume -> new Step.Clone(volume, new Vmid(GUESTS.getFirst())));
    }

    private Vmid guest() {
        return new Vmid(pick(GUESTS));
    }

    /**
     * Another guest, if this one has the base image that the volume is or is made from. PVE's commands clone into other guests
     * only, and its plugins take the number of the base for that of the clone there: they choose a name that is taken.
     */
    private static Vmid another(VolumeName volume, Vmid guest) {
        boolean isOfBase = volume.value().startsWith(guest + "/base-");
        return isOfBase ? new Vmid(GUESTS.get((GUESTS.indexOf(guest.value()) + 1) % GUESTS.size())) : guest;
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
