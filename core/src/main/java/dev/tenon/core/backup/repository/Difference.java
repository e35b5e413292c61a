package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * How a disk differs between two snapshots.
 *
 * @param before its size in the first; empty if it has none
 * @param after its size in the second; empty if it has none
 * @param changed where bytes may differ, as far as both have the disk: in whole chunks, in their order, none next to another
 */
public record Difference(Optional<ByteSize> before, Optional<ByteSize> after, List<Range> changed) {
    public Difference {
        changed = List.copyOf(changed);
    }

    /** Bytes from an offset on. */
    public record Range(long offset, long length) {}

    public boolean isSame() {
        return before.equals(after) && changed.isEmpty();
    }

    /** How many bytes may differ. */
    public ByteSize bytes() {
        return ByteSize.ofBytes(changed.stream().mapToLong(Range::length).sum());
    }

    /** Of all disks that one of the two has. */
    static Map<DeviceName, Difference> of(Snapshot first, Snapshot second, ChunkReader reader) throws IOException {
        Map<DeviceName, Difference> all = new TreeMap<>();
        TreeSet<DeviceName> devices = new TreeSet<>(first.disks().keySet());
        devices.addAll(second.disks().keySet());
        for (DeviceName device : devices) {
            Snapshot.Disk before = first.disks().get(device);
            Snapshot.Disk after = second.disks().get(device);
            all.put(
                    device,
                    new Difference(
                            Optional.ofNullable(before).map(Snapshot.Disk::size),
                            Optional.ofNullable(after).map(Snapshot.Disk::size),
                            before == null || after == null ? List.of() : changed(before, after, reader)));
        }
        return all;
    }

    private static List<Range> changed(Snapshot.Disk before, Snapshot.Disk after, ChunkReader reader)
            throws IOException {
        DiskTable first = DiskTable.of(before, reader);
        DiskTable second = DiskTable.of(after, reader);
        long chunks = Math.min(first.count(), second.count());
        List<Range> ranges = new ArrayList<>();
        for (long chunk = 0; chunk < chunks; ) {
            int leaf = (int) (chunk / DiskTable.LEAF);
            if (chunk % DiskTable.LEAF == 0
                    && before.leaves().get(leaf).equals(after.leaves().get(leaf))) {
                chunk += DiskTable.LEAF;
                continue;
            }
            if (!first.get(chunk).equals(second.get(chunk))) {
                add(ranges, chunk * DiskTable.CHUNK, Math.min(first.length(chunk), second.length(chunk)));
            }
            chunk++;
        }
        return ranges;
    }

    private static void add(List<Range> ranges, long offset, long length) {
        if (!ranges.isEmpty() && ranges.getLast().offset() + ranges.getLast().length() == offset) {
            Range last = ranges.removeLast();
            ranges.add(new Range(last.offset(), last.length() + length));
        } else {
            ranges.add(new Range(offset, length));
        }
    }
}
