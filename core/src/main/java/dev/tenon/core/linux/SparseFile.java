package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An open file with its holes: tells where the data is, and takes over the data of another file inside the kernel. All
 * offsets and lengths are bytes. Every failure is an exception of the JDK with the file and the error's text.
 */
public final class SparseFile implements AutoCloseable {
    private static final int SEEK_SET = 0;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final long FICLONE = 0x40049409;

    private static final MethodHandle IOCTL = CLibrary.variadicWithErrno(
            "ioctl",
            2,
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle COPY_FILE_RANGE = CLibrary.functionWithErrno(
            "copy_file_range",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle PREAD = CLibrary.functionWithErrno(
            "pread",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle PWRITE = CLibrary.functionWithErrno(
            "pwrite",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG));
    private static final int SYNC_FILE_RANGE_WRITE = 2;
    private static final MethodHandle SYNC_FILE_RANGE = CLibrary.functionWithErrno(
            "sync_file_range",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT));
    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final MethodHandle FALLOCATE = CLibrary.functionWithErrno(
            "fallocate",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG));
    private static final MethodHandle POSIX_FALLOCATE = CLibrary.function(
            "posix_fallocate",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle FSYNC =
            CLibrary.functionWithErrno("fsync", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final Descriptor descriptor;

    /** The same file past the page cache, for {@link #writePast}. */
    private final @Nullable Descriptor past;

    /** Whether the file system takes what goes past the page cache. */
    private volatile boolean takesPast = true;

    /** Whether copy_file_range may still work for this target. */
    private boolean copiesRanges = true;

    private SparseFile(Descriptor descriptor) {
        this(descriptor, null);
    }

    private SparseFile(Descriptor descriptor, @Nullable Descriptor past) {
        this.descriptor = descriptor;
        this.past = past;
    }

    /** Takes over a file that is open. */
    static SparseFile of(Descriptor descriptor) {
        return new SparseFile(descriptor);
    }

    /** Opens a file or block device for reading, or a directory to sync it. */
    public static SparseFile open(Path file) throws IOException {
        return new SparseFile(Descriptor.open(file, Descriptor.READ_ONLY, 0));
    }

    /**
     * Makes an empty file and opens it for writing.
     *
     * @param permissions for instance 0640, less what the process's umask forbids
     * @throws java.nio.file.FileAlreadyExistsException if there is something of that name, a symbolic link included
     */
    public static SparseFile create(Path file, int permissions) throws IOException {
        return new SparseFile(
                Descriptor.open(file, Descriptor.READ_WRITE | Descriptor.CREATE | Descriptor.EXCLUSIVE, permissions));
    }

    /** Opens a file or block device that is there for writing. */
    public static SparseFile openForWriting(Path file) throws IOException {
        return new SparseFile(Descriptor.open(file, Descriptor.READ_WRITE, 0));
    }

    /** As {@link #openForWriting}, for a file or block device of which most is written by {@link #writePast}. */
    public static SparseFile openForWritingPast(Path file) throws IOException {
        Descriptor descriptor = Descriptor.open(file, Descriptor.READ_WRITE, 0);
        try {
            return new SparseFile(descriptor, Descriptor.open(file, Descriptor.WRITE_ONLY | Descriptor.DIRECT, 0));
        } catch (IOException e) {
            // Not every file system can.
            return new SparseFile(descriptor);
        } catch (RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    /**
     * A file that has no name and lives in memory, as long as it is open.
     *
     * @param size of which all is a hole
     */
    public static SparseFile inMemory(long size) throws IOException {
        SparseFile file = new SparseFile(Descriptor.inMemory("tenon"));
        file.setSize(size);
        return file;
    }

    /** The path by which another process of this user finds it while it is open here. */
    public Path pathForOthers() {
        return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor.number());
    }

    /**
     * Reads bytes.
     *
     * @param to direct; its remaining part is filled as far as the file goes
     * @return how many bytes were read, 0 at the end of the file
     */
    public int read(long offset, ByteBuffer to) throws IOException {
        MemorySegment segment = MemorySegment.ofBuffer(to);
        int all = 0;
        while (to.hasRemaining()) {
            int done = all;
            long length = checked(CLibrary.callAgain("pread", state -> (long) PREAD.invokeExact(
                    state, descriptor.number(), segment.asSlice(done), segment.byteSize() - done, offset + done)));
            if (length == 0) {
                break;
            }
            all += (int) length;
            to.position(to.position() + (int) length);
        }
        return all;
    }

    /**
     * Writes all that remains in a buffer; calls may come from many threads.
     *
     * @param from direct
     */
    public void write(long offset, ByteBuffer from) throws IOException {
        MemorySegment segment = MemorySegment.ofBuffer(from);
        for (long done = 0; done < segment.byteSize(); ) {
            done += checked(write(descriptor, segment.asSlice(done), offset + done));
        }
        from.position(from.limit());
    }

    private static long write(Descriptor to, MemorySegment from, long offset) {
        return CLibrary.callAgain(
                "pwrite", state -> (long) PWRITE.invokeExact(state, to.number(), from, from.byteSize(), offset));
    }

    /**
     * As {@link #write}, of what nobody reads soon: it goes past the page cache if it can, which costs a processor nothing.
     * It can if the file was opened by {@link #openForWritingPast}, its file system knows how, and offset, length and the
     * buffer's address are multiples of {@link NativeMemory#PAGE}; else the kernel begins to write it to the storage at once.
     * It is safe after {@link #sync} only, in any case.
     *
     * @param from direct
     */
    public void writePast(long offset, ByteBuffer from) throws IOException {
        MemorySegment segment = MemorySegment.ofBuffer(from);
        long done = 0;
        Descriptor to = past;
        if (to != null && (offset | segment.byteSize() | segment.address()) % NativeMemory.PAGE == 0) {
            while (takesPast && done < segment.byteSize()) {
                long written = write(to, segment.asSlice(done), offset + done);
                if (written == -Errno.EINVAL) {
                    takesPast = false;
                } else {
                    done += checked(written);
                }
            }
        }
        int length = from.remaining();
        from.position(from.position() + (int) done);
        if (from.hasRemaining()) {
            write(offset + done, from);
            beginSync(offset, length);
        }
    }

    /** Has the kernel begin to write a part to the storage, so that less is left for {@link #sync}; promises nothing. */
    public void beginSync(long offset, long length) {
        long _ = CLibrary.call("sync_file_range", state ->
                (int) SYNC_FILE_RANGE.invokeExact(state, descriptor.number(), offset, length, SYNC_FILE_RANGE_WRITE));
    }

    int number() {
        return descriptor.number();
    }

    String name() {
        return descriptor.name();
    }

    /** The size; of a block device too. */
    public long size() throws IOException {
        return checked(seek(0, SEEK_END));
    }

    /**
     * Where the next data begins, at this offset or behind it; -1 if there is only a hole up to the end. A file system
     * that tells no holes has data everywhere.
     */
    public long nextData(long offset) throws IOException {
        long data = seek(offset, SEEK_DATA);
        if (data == -Errno.ENXIO) {
            return -1;
        }
        return data == -Errno.EINVAL ? offset : checked(data);
    }

    /** Where the next hole begins, at this offset or behind it; the end of the file counts as one. */
    public long nextHole(long offset) throws IOException {
        long hole = seek(offset, SEEK_HOLE);
        return hole == -Errno.EINVAL ? size() : checked(hole);
    }

    private long seek(long offset, int whence) {
        return CLibrary.call(
                "lseek", state -> (long) SharedCalls.LSEEK.invokeExact(state, descriptor.number(), offset, whence));
    }

    /**
     * Makes the whole content that of the source without copying it: both share their blocks until one is written to.
     *
     * @return false, with nothing changed, if these two files cannot share blocks
     */
    public boolean cloneFrom(SparseFile source) throws IOException {
        int errno = (int) -CLibrary.call("ioctl", state ->
                (int) IOCTL.invokeExact(state, descriptor.number(), FICLONE, (long) source.descriptor.number()));
        return switch (errno) {
            case 0 -> true;
            case Errno.EXDEV, Errno.EINVAL, Errno.ENOTTY, Errno.ENOSYS, Errno.EOPNOTSUPP -> false;
            default -> throw Errno.toException(errno, descriptor.name(), source.descriptor.name());
        };
    }

    /**
     * Copies bytes of the source to the same offset of this file. What is a hole there becomes zeroes that take space
     * here, so only data should be asked for.
     *
     * @param length at least 1; fewer bytes may be copied, and never more than 2 GiB less 4 KiB
     * @return how many bytes were copied, 0 if the source ends before the offset
     */
    public long copyFrom(SparseFile source, long offset, long length) throws IOException {
        if (copiesRanges) {
            long copied = copyRange(source, offset, length);
            switch ((int) Math.min(copied, 0)) {
                case -Errno.EXDEV, -Errno.EINVAL, -Errno.ENOSYS, -Errno.EOPNOTSUPP -> copiesRanges = false;
                default -> {
                    if (copied != 0) {
                        return checked(copied);
                    }
                }
            }
        }
        return send(source, offset, length);
    }

    private long copyRange(SparseFile source, long offset, long length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_LONG, offset);
            MemorySegment to = arena.allocateFrom(ValueLayout.JAVA_LONG, offset);
            return CLibrary.call("copy_file_range", state -> (long) COPY_FILE_RANGE.invokeExact(
                    state, source.descriptor.number(), from, descriptor.number(), to, length, 0));
        }
    }

    private long send(SparseFile source, long offset, long length) throws IOException {
        checked(seek(offset, SEEK_SET));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_LONG, offset);
            return checked(CLibrary.call("sendfile", state -> (long) SharedCalls.SENDFILE.invokeExact(
                    state, descriptor.number(), source.descriptor.number(), from, length)));
        }
    }

    /**
     * Makes a hole, which reads as zeroes; of a block device, discards what is there.
     *
     * @return false, with nothing changed, if the file system or the device cannot
     */
    public boolean punch(long offset, long length) throws IOException {
        long result = CLibrary.call("fallocate", state -> (int) FALLOCATE.invokeExact(
                state, descriptor.number(), FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE, offset, length));
        if (result == -Errno.EOPNOTSUPP || result == -Errno.ENOSYS) {
            return false;
        }
        checked(result);
        return true;
    }

    /** Makes a file longer by a hole, if it is shorter; a block device has its size. */
    public void extend(long size) throws IOException {
        if (size() < size) {
            setSize(size);
        }
    }

    /** Cuts the file, or makes it longer by a hole. */
    public void setSize(long size) throws IOException {
        checked(CLibrary.call(
                "ftruncate", state -> (int) SharedCalls.FTRUNCATE.invokeExact(state, descriptor.number(), size)));
    }

    /**
     * Makes a file at least this long, with its space reserved on the storage. Where the file system cannot reserve, every
     * block is written, which may take long.
     *
     * @throws NoSpaceException if there is not enough space; the file may have grown
     */
    public void reserve(long size) throws IOException {
        int errno;
        do {
            errno = posixFallocate(size);
        } while (errno == Errno.EINTR);
        checked(-errno);
    }

    private int posixFallocate(long size) {
        try {
            return (int) POSIX_FALLOCATE.invokeExact(descriptor.number(), 0L, size);
        } catch (Throwable e) {
            throw CLibrary.unexpected("posix_fallocate", e);
        }
    }

    /** Waits until the content is on the storage, or, for a directory, its names; does nothing if the file system cannot. */
    public void sync() throws IOException {
        sync(descriptor);
        Descriptor direct = past;
        if (direct != null) {
            sync(direct); // a file system that is a program may keep what was written, and its failure, by descriptor
        }
    }

    private void sync(Descriptor of) throws IOException {
        long result = CLibrary.call("fsync", state -> (int) FSYNC.invokeExact(state, of.number()));
        if (result != -Errno.EINVAL) {
            checked(result);
        }
    }

    private long checked(long result) throws IOException {
        return CLibrary.checked(result, descriptor.name());
    }

    @Override
    public void close() {
        descriptor.close();
        if (past != null) {
            past.close();
        }
    }
}
