package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An open directory of a tree of files that are to be kept as they are: names of any bytes, nothing reached through a symbolic
 * link, and what the JDK does not tell. Names are strings of which each character is one byte. For one thread at a time.
 */
public final class TreeDirectory implements AutoCloseable {
    /** The name of the directory itself. */
    public static final String SELF = ".";

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_BYTES = 256;

    private static final boolean IS_ARM = "aarch64".equals(System.getProperty("os.arch"));
    private static final int NONBLOCK = 0x800;
    private static final int DIRECTORY = IS_ARM ? 0x4000 : 0x10000;
    private static final int NOFOLLOW = IS_ARM ? 0x8000 : 0x20000;
    private static final int NOATIME = 0x40000;
    private static final int CLOSE_ON_EXEC = 0x80000;

    private static final int ENTRIES = 64 << 10;
    private static final int RECORD_LENGTH = 16;
    private static final int NAME = 19;
    private static final int LONGEST_LINK = 4096;
    private static final int LONGEST_ATTRIBUTE = 64 << 10;
    private static final int ENODATA = 61;

    private static final MethodHandle OPENAT = CLibrary.variadicWithErrno(
            "openat",
            3,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle GETDENTS = CLibrary.functionWithErrno(
            "getdents64",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    private static final MethodHandle STATX = CLibrary.functionWithErrno(
            "statx",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS));
    private static final MethodHandle READLINKAT = CLibrary.functionWithErrno(
            "readlinkat",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle LLISTXATTR = CLibrary.functionWithErrno(
            "llistxattr",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    private static final MethodHandle LGETXATTR = CLibrary.functionWithErrno(
            "lgetxattr",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG));

    /** What a file is. */
    public enum Kind {
        DIRECTORY(0x4000),
        FILE(0x8000),
        SYMBOLIC_LINK(0xa000),
        CHARACTER_DEVICE(0x2000),
        BLOCK_DEVICE(0x6000),
        PIPE(0x1000),
        SOCKET(0xc000);

        private final int type;

        Kind(int type) {
            this.type = type;
        }

        private static Kind of(int mode) {
            for (Kind kind : values()) {
                if (kind.type == (mode & 0xf000)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("a file of mode 0" + Integer.toOctalString(mode));
        }
    }

    /** A time, in seconds since 1970 and nanoseconds. */
    public record Time(long seconds, int nanos) {}

    /**
     * What the system tells of a file.
     *
     * @param mode permission bits, set-id and sticky bits included
     * @param allocated bytes that it takes on the storage, holes left out
     * @param device where it is
     * @param major of the device that it is, 0 for others
     * @param minor of the device that it is
     */
    public record Status(
            Kind kind,
            int mode,
            long owner,
            long group,
            long links,
            long size,
            long allocated,
            Time modified,
            Time changed,
            long inode,
            long device,
            int major,
            int minor) {}

    private final Descriptor descriptor;

    private TreeDirectory(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** Opens a directory, symbolic links followed. */
    public static TreeDirectory open(Path directory) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = CLibrary.pathName(arena, directory);
            return new TreeDirectory(openAt(AT_FDCWD, path, DIRECTORY, directory.toString()));
        }
    }

    private static Descriptor openAt(int at, MemorySegment path, int flags, String name) throws IOException {
        int all = flags | CLOSE_ON_EXEC | NONBLOCK;
        // Who does not own a file must not leave its time of access alone.
        long number = CLibrary.callAgain("openat", state -> (int) OPENAT.invokeExact(state, at, path, all | NOATIME));
        if (number == -Errno.EPERM) {
            number = CLibrary.callAgain("openat", state -> (int) OPENAT.invokeExact(state, at, path, all));
        }
        return Descriptor.of((int) CLibrary.checked(number, name), name);
    }

    private static MemorySegment bytes(Arena arena, String name) {
        return arena.allocateFrom(name, StandardCharsets.ISO_8859_1);
    }

    private String path(String name) {
        return descriptor.name() + "/" + shown(name);
    }

    /** A name as people read it. */
    public static String shown(String name) {
        return new String(name.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    /**
     * Opens a directory in this one.
     *
     * @throws IOException if it is none, or a symbolic link
     */
    public TreeDirectory directory(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return new TreeDirectory(openAt(descriptor.number(), bytes(arena, name), DIRECTORY | NOFOLLOW, path(name)));
        }
    }

    /**
     * Opens a file in this directory for reading.
     *
     * @throws IOException if it is a symbolic link
     */
    public SparseFile file(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return SparseFile.of(openAt(descriptor.number(), bytes(arena, name), NOFOLLOW, path(name)));
        }
    }

    /** The names of what is in the directory, in the order of their bytes without a sign; for the first call only. */
    public List<String> names() throws IOException {
        List<String> names = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = arena.allocate(ENTRIES, Long.BYTES);
            while (true) {
                long length = CLibrary.checked(
                        CLibrary.call("getdents64", state ->
                                (long) GETDENTS.invokeExact(state, descriptor.number(), entries, (long) ENTRIES)),
                        descriptor.name());
                if (length == 0) {
                    break;
                }
                for (long at = 0;
                        at < length;
                        at += Short.toUnsignedInt(entries.get(ValueLayout.JAVA_SHORT, at + RECORD_LENGTH))) {
                    String name = entries.getString(at + NAME, StandardCharsets.ISO_8859_1);
                    if (!name.equals(SELF) && !name.equals("..")) {
                        names.add(name);
                    }
                }
            }
        }
        Collections.sort(names);
        return names;
    }

    /**
     * What is of this name, not what a symbolic link leads to.
     *
     * @throws java.nio.file.NoSuchFileException if it has gone
     */
    public Status status(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return status(arena, descriptor.number(), bytes(arena, name), AT_SYMLINK_NOFOLLOW, path(name));
        }
    }

    /** What is open. */
    public static Status status(SparseFile file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return status(arena, file.number(), bytes(arena, ""), AT_EMPTY_PATH, file.name());
        }
    }

    private static Status status(Arena arena, int at, MemorySegment path, int flags, String name) throws IOException {
        MemorySegment buffer = arena.allocate(STATX_BYTES, Long.BYTES);
        CLibrary.checked(
                CLibrary.call(
                        "statx", state -> (int) STATX.invokeExact(state, at, path, flags, STATX_BASIC_STATS, buffer)),
                name);
        int mode = Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT, 28));
        return new Status(
                Kind.of(mode),
                mode & 0xfff,
                unsigned(buffer, 20),
                unsigned(buffer, 24),
                unsigned(buffer, 16),
                buffer.get(ValueLayout.JAVA_LONG, 40),
                buffer.get(ValueLayout.JAVA_LONG, 48) * 512,
                time(buffer, 112),
                time(buffer, 96),
                buffer.get(ValueLayout.JAVA_LONG, 32),
                (unsigned(buffer, 136) << 32) | unsigned(buffer, 140),
                buffer.get(ValueLayout.JAVA_INT, 128),
                buffer.get(ValueLayout.JAVA_INT, 132));
    }

    private static long unsigned(MemorySegment buffer, long at) {
        return Integer.toUnsignedLong(buffer.get(ValueLayout.JAVA_INT, at));
    }

    private static Time time(MemorySegment buffer, long at) {
        return new Time(buffer.get(ValueLayout.JAVA_LONG, at), buffer.get(ValueLayout.JAVA_INT, at + Long.BYTES));
    }

    /** Where a symbolic link in this directory leads. */
    public String target(String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment link = bytes(arena, name);
            MemorySegment target = arena.allocate(LONGEST_LINK);
            long length = CLibrary.checked(
                    CLibrary.call("readlinkat", state -> (long)
                            READLINKAT.invokeExact(state, descriptor.number(), link, target, (long) LONGEST_LINK)),
                    path(name));
            return latin(target, 0, length);
        }
    }

    private static String latin(MemorySegment from, long at, long length) {
        return new String(from.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    /** The extended attributes, access lists among them, of what is of this name; none if the file system has none. */
    public SortedMap<String, byte[]> attributes(String name) throws IOException {
        SortedMap<String, byte[]> attributes = new TreeMap<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = bytes(arena, "/proc/self/fd/" + descriptor.number() + "/" + name);
            MemorySegment buffer = arena.allocate(LONGEST_ATTRIBUTE);
            long length = CLibrary.call("llistxattr", state ->
                    (long) LLISTXATTR.invokeExact(state, path, buffer, (long) LONGEST_ATTRIBUTE));
            if (length == -Errno.EOPNOTSUPP) {
                return attributes;
            }
            CLibrary.checked(length, path(name));
            String all = latin(buffer, 0, length);
            for (int at = 0; at < all.length(); ) {
                int end = all.indexOf('\0', at);
                String attribute = all.substring(at, end);
                MemorySegment key = bytes(arena, attribute);
                long size = CLibrary.call("lgetxattr", state ->
                        (long) LGETXATTR.invokeExact(state, path, key, buffer, (long) LONGEST_ATTRIBUTE));
                if (size != -ENODATA) {
                    CLibrary.checked(size, path(name) + " (" + attribute + ")");
                    attributes.put(attribute, buffer.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE));
                }
                at = end + 1;
            }
        }
        return attributes;
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
