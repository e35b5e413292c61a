package dev.tenon.core.backup.host;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.util.Map;

/**
 * The disks of a VM while one backup reads them. One thread makes the calls, in this order: {@link #sizes}, {@link #show},
 * {@link #committed} if the backup has succeeded, {@link #close}.
 */
public interface GuestDisks extends AutoCloseable {
    /** The disks, in the order in which they were named. */
    Map<DeviceName, ByteSize> sizes();

    /**
     * Fixes the point in time, which is the same for all disks, and exports them over NBD.
     *
     * @param uses what the provider wants of the bitmap of each disk; a disk that is missing gets none
     * @return what it gets: {@link dev.tenon.core.spi.backup.BitmapMode#NONE} also where no bitmap can be kept
     */
    Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) throws IOException;

    /**
     * The provider has the backup: the exports end, and from now on the bitmaps tell what was written since the point in
     * time.
     *
     * @throws IOException if that cannot be done; then the bitmaps tell more than they need, or are gone, and the next backup
     *     reads more
     */
    void committed() throws IOException;

    /**
     * Ends the exports and removes what was made for them. Without {@link #committed} the bitmaps tell what they told
     * before, and what was written since.
     */
    @Override
    void close();
}
