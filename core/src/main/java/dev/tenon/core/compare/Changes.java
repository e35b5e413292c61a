package dev.tenon.core.compare;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Random changes of a storage: most make sense in its current state, some should be refused. */
final class Changes {
    private static final int MOST_VOLUMES = 6;
    private static final int PERCENT = 100;
    private static final int ODD = 3;
    private static final int WRONG = 12;
    private static final List<Long> GUESTS = List.of(100L, 101L, 9000L);
    private static final List<String> SNAPSHOTS = List.of("one", "two", "three");
    private static final long STEP_BYTES = 192 << 10;

    private final Random random;
    private final List<Format.Image> formats;

    Changes(long seed, Formats formats) {
        this.random = new Random(seed);
        List<Format.Image> usual = Stream.of(Format.Image.RAW, Format.Image.QCOW2)
                .filter(formats.valid()::contains)
                .toList();
        this.formats = usual.isEmpty() ? List.of(Format.Image.RAW) : usual;
    }

    /** The next one for a storage with these volumes. */
    Step next(List<VolumeInfo> volumes) {
        List<VolumeName> names = volumes.stream()
                .map(volume -> volume.volid().volume())
                .sorted(Comparator.comparing(VolumeName::value))
                .toList();
        if (names.isEmpty() || (names.size() < MOST_VOLUMES && random.nextInt(4) == 0)) {
            return new Step.Alloc(guest(), pick(formats), ByteSize.ofKib(64L * (1 + random.nextInt(64))));
        }
        VolumeName volume = volume(names);
        SnapshotName snapshot = new SnapshotName(pick(SNAPSHOTS));
        List<Step> choices = new ArrayList<>(List.of(
                new Step.Free(volume),
                new Step.Resize(volume, ByteSize.ofBytes(STEP_BYTES * (1 + random.nextInt(40)))),
                new Step.Snapshot(volume, snapshot),
                new Step.Snapshot(volume, snapshot),
                new Step.Rollback(volume, snapshot),
                new Step.DeleteSnapshot(volume, snapshot),
                new Step.Rename(volume, guest()),
                new Step.Clone(volume, guest()),
                new Step.Attribute(volume, VolumeAttribute.NOTES, "note " + random.nextInt(10))));
        if (names.size() > 2) {
            choices.add(new Step.Base(volume));
        }
        return pick(choices);
    }

    /** Mostly one that is there, at times one that is missing, or whose name means nothing. */
    private VolumeName volume(List<VolumeName> names) {
        int chance = random.nextInt(PERCENT);
        if (chance < ODD) {
            return new VolumeName("4711/vm-4711-disk-9.odd");
        }
        return chance < WRONG ? new VolumeName("4711/vm-4711-disk-9.raw") : pick(names);
    }

    private Vmid guest() {
        return new Vmid(pick(GUESTS));
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
