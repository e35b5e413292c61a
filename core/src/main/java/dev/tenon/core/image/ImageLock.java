package dev.tenon.core.image;

import dev.tenon.core.linux.RangeLock;
import dev.tenon.core.linux.SparseFile;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What keeps QEMU from writing to an image while it is read here: QEMU's own locks, which are single bytes of the file. A
 * lock of the whole file would be granted beside a QEMU that writes, and hinder one that only looks. The numbers are those
 * of QEMU's {@code block/file-posix.c}: for each permission one byte from 100 on that is locked by who has it, and one from
 * 200 on by who does not let others have it.
 */
public final class ImageLock implements AutoCloseable {
    private static final int HAVE = 100;
    private static final int DENY = 200;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int RESIZE = 3;

    private final SparseFile file;

    private ImageLock(SparseFile file) {
        this.file = file;
    }

    /**
     * Locks an image for as long as it is read; a QEMU that wants to write to it meanwhile is refused.
     *
     * @throws ImageInUseException if a QEMU has it open for writing
     */
    public static ImageLock ofReader(Path image) throws IOException {
        SparseFile file = SparseFile.open(image);
        try {
            boolean isMine = RangeLock.tryShared(file, HAVE + READ)
                    && RangeLock.tryShared(file, DENY + WRITE)
                    && RangeLock.tryShared(file, DENY + RESIZE)
                    && !RangeLock.isHeldByOthers(file, HAVE + WRITE)
                    && !RangeLock.isHeldByOthers(file, HAVE + RESIZE);
            if (!isMine) {
                throw new ImageInUseException(image);
            }
            return new ImageLock(file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
