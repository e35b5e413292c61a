package dev.tenon.core.backup.repository;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.util.List;

/**
 * What a repository holds, and what it saved.
 *
 * @param packs how many packs there are
 * @param chunks how many chunks are in them, needed or not
 * @param stored bytes of all packs, as on the disk
 * @param needed bytes in packs of the chunks that snapshots need, without those that are there twice
 * @param guests by namespace, type and number
 */
public record Statistics(int packs, long chunks, ByteSize stored, ByteSize needed, List<OfGuest> guests) {
    public Statistics {
        guests = List.copyOf(guests);
    }

    /**
     * What the backups of one guest take.
     *
     * @param snapshots how many there are
     * @param disks bytes of all disks and files of all snapshots, as they would be restored
     * @param data what of them is not known to be zeroes, in whole chunks
     * @param stored bytes in packs of all chunks that the guest's snapshots need, each counted once; other guests may need
     *     them, too
     */
    public record OfGuest(
            String namespace,
            GuestType type,
            Vmid guest,
            int snapshots,
            ByteSize disks,
            ByteSize data,
            ByteSize stored) {}
}
