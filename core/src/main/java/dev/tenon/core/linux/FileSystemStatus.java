package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Set;

/**
 * What one statfs(2) tells of the file system that holds a file. The JDK's {@link java.nio.file.FileStore} looks for its
 * mount point first, and fails where that is not to be seen: in a root that was changed to and is no mount point.
 *
 * @param type the number of its kind, as in {@code linux/magic.h}
 * @param blockSize bytes of a block, in which space is given out
 * @param total bytes
 * @param free bytes that hold nothing
 * @param available bytes that an ordinary user may still fill
 */
public record FileSystemStatus(long type, long blockSize, long total, long free, long available) {
    private static final int STATFS_BYTES = 120;
    private static final int TYPE_OFFSET = 0;
    private static final int BLOCKS_OFFSET = 16;
    private static final int FREE_OFFSET = 24;
    private static final int AVAILABLE_OFFSET = 32;
    private static final int BLOCK_SIZE_OFFSET = 72;

    /** cifs, smb3, vfat and msdos, exfat. */
    private static final Set<Long> WITHOUT_MODES = Set.of(0xff53_4d42L, 0xfe53_4d42L, 0x4d44L, 0x2011_bab0L);

    private static final MethodHandle STATFS = CLibrary.functionWithErrno(
            "statfs", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));

    /**
     * The status of the file system that holds this file, symbolic links followed.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws IOException for any other reason, with the text of the error
     */
    public static FileSystemStatus of(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(STATFS_BYTES, Long.BYTES);
            MemorySegment path = CLibrary.pathName(arena, file);
            CLibrary.checked(
                    CLibrary.callAgain("statfs", state -> (int) STATFS.invokeExact(state, path, buffer)),
                    file.toString());
            long block = buffer.get(ValueLayout.JAVA_LONG, BLOCK_SIZE_OFFSET);
            return new FileSystemStatus(
                    buffer.get(ValueLayout.JAVA_LONG, TYPE_OFFSET) & 0xffff_ffffL,
                    block,
                    buffer.get(ValueLayout.JAVA_LONG, BLOCKS_OFFSET) * block,
                    buffer.get(ValueLayout.JAVA_LONG, FREE_OFFSET) * block,
                    buffer.get(ValueLayout.JAVA_LONG, AVAILABLE_OFFSET) * block);
        }
    }

    /** Whether its files have permissions of their own, which can be taken away. */
    public boolean hasModes() {
        return !WITHOUT_MODES.contains(type);
    }
}
