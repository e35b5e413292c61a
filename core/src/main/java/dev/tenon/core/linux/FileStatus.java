package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * What one statx(2) tells of a file. The JDK tells neither the allocated blocks nor, without a map per file, the rest.
 *
 * @param mode type and permission bits, as in {@code st_mode}
 * @param size bytes; 0 for a block device
 * @param allocated bytes that the file's blocks take on the storage, holes left out
 * @param changeTime seconds since 1970 of the last change of the inode
 * @param owner uid
 * @param group gid
 * @param links number of hard links
 */
public record FileStatus(int mode, long size, long allocated, long changeTime, long owner, long group, long links) {
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;

    private static final int STATX_BYTES = 256;
    private static final int NLINK_OFFSET = 16;
    private static final int UID_OFFSET = 20;
    private static final int GID_OFFSET = 24;
    private static final int MODE_OFFSET = 28;
    private static final int SIZE_OFFSET = 40;
    private static final int BLOCKS_OFFSET = 48;
    private static final int CTIME_SECONDS_OFFSET = 96;
    private static final int BLOCK_BYTES = 512;

    private static final int TYPE_MASK = 0xf000;
    private static final int BLOCK_DEVICE = 0x6000;
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int DIRECTORY = 0x4000;
    private static final int REGULAR_FILE = 0x8000;
    private static final int SYMBOLIC_LINK = 0xa000;
    private static final int PIPE = 0x1000;
    private static final int SOCKET = 0xc000;
    private static final int PERMISSION_MASK = 0xfff;

    private static final MethodHandle STATX = CLibrary.functionWithErrno(
            "statx",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS));

    /**
     * The status of the file, symbolic links followed.
     *
     * @throws java.nio.file.NoSuchFileException if there is none, or the link's target is missing
     * @throws java.nio.file.AccessDeniedException if a directory on the way may not be searched
     * @throws IOException for any other reason, with the text of the error
     */
    public static FileStatus of(Path file) throws IOException {
        return call(AT_FDCWD, file.toString(), 0);
    }

    /** The status of what is open. */
    static FileStatus of(Descriptor descriptor) throws IOException {
        return call(descriptor.number(), "", AT_EMPTY_PATH);
    }

    /** As {@link #of}, but of the symbolic link itself if the last part of the path is one. */
    public static FileStatus ofLink(Path file) throws IOException {
        return call(AT_FDCWD, file.toString(), AT_SYMLINK_NOFOLLOW);
    }

    private static FileStatus call(int directory, String file, int flags) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(STATX_BYTES, Long.BYTES);
            MemorySegment path = CLibrary.pathName(arena, file);
            CLibrary.checked(
                    CLibrary.call("statx", state ->
                            (int) STATX.invokeExact(state, directory, path, flags, STATX_BASIC_STATS, buffer)),
                    file);
            return new FileStatus(
                    Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT, MODE_OFFSET)),
                    buffer.get(ValueLayout.JAVA_LONG, SIZE_OFFSET),
                    buffer.get(ValueLayout.JAVA_LONG, BLOCKS_OFFSET) * BLOCK_BYTES,
                    buffer.get(ValueLayout.JAVA_LONG, CTIME_SECONDS_OFFSET),
                    Integer.toUnsignedLong(buffer.get(ValueLayout.JAVA_INT, UID_OFFSET)),
                    Integer.toUnsignedLong(buffer.get(ValueLayout.JAVA_INT, GID_OFFSET)),
                    Integer.toUnsignedLong(buffer.get(ValueLayout.JAVA_INT, NLINK_OFFSET)));
        }
    }

    public boolean isRegularFile() {
        return type() == REGULAR_FILE;
    }

    public boolean isDirectory() {
        return type() == DIRECTORY;
    }

    public boolean isBlockDevice() {
        return type() == BLOCK_DEVICE;
    }

    public boolean isCharacterDevice() {
        return type() == CHARACTER_DEVICE;
    }

    public boolean isSocket() {
        return type() == SOCKET;
    }

    Descriptor.Kind kind() {
        return switch (type()) {
            case REGULAR_FILE -> Descriptor.Kind.FILE;
            case BLOCK_DEVICE -> Descriptor.Kind.BLOCK_DEVICE;
            case PIPE -> Descriptor.Kind.PIPE;
            case SOCKET -> Descriptor.Kind.SOCKET;
            default -> Descriptor.Kind.OTHER;
        };
    }

    public boolean isSymbolicLink() {
        return type() == SYMBOLIC_LINK;
    }

    /** The permission bits, set-id and sticky bits included, for instance 0640. */
    public int permissions() {
        return mode & PERMISSION_MASK;
    }

    private int type() {
        return mode & TYPE_MASK;
    }
}
