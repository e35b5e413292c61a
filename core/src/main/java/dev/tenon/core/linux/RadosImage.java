package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image in a pool of a Ceph cluster, opened for reading by librbd, if that is installed. It is for one thread at a time.
 * A failure is an exception with the error's text.
 */
public final class RadosImage implements AutoCloseable {
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /** How much is read at once, and how many reads are under way. */
    private static final int PIECE = 1 << 20;

    private static final int AT_ONCE = 16;

    /** All of the library, whose symbols are looked up when it is first used. */
    private static final class Library {
        static final SymbolLookup SYMBOLS = load();
        static final MethodHandle OPEN = function("rbd_open_read_only", INT, POINTER, POINTER, POINTER, POINTER);
        static final MethodHandle CLOSE = function("rbd_close", INT, POINTER);
        static final MethodHandle SIZE = function("rbd_get_size", INT, POINTER, POINTER);
        static final MethodHandle DIFFERENCE = function(
                "rbd_diff_iterate2",
                INT,
                POINTER,
                POINTER,
                LONG,
                LONG,
                ValueLayout.JAVA_BYTE,
                ValueLayout.JAVA_BYTE,
                POINTER,
                POINTER);
        static final MethodHandle COMPLETION = function("rbd_aio_create_completion", INT, POINTER, POINTER, POINTER);
        static final MethodHandle READ = function("rbd_aio_read", INT, POINTER, LONG, LONG, POINTER, POINTER);
        static final MethodHandle WAIT = function("rbd_aio_wait_for_complete", INT, POINTER);
        static final MethodHandle RESULT = function("rbd_aio_get_return_value", LONG, POINTER);
        static final MethodHandle RELEASE = procedure("rbd_aio_release", POINTER);

        @SuppressWarnings("restricted")
        private static SymbolLookup load() {
            return SymbolLookup.libraryLookup("librbd.so.1", Arena.global());
        }

        private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... parameters) {
            return linked(name, FunctionDescriptor.of(result, parameters));
        }

        private static MethodHandle procedure(String name, MemoryLayout... parameters) {
            return linked(name, FunctionDescriptor.ofVoid(parameters));
        }

        @SuppressWarnings("restricted")
        private static MethodHandle linked(String name, FunctionDescriptor descriptor) {
            return Linker.nativeLinker().downcallHandle(SYMBOLS.findOrThrow(name), descriptor);
        }
    }

    private final MemorySegment image;

    private RadosImage(MemorySegment image) {
        this.image = image;
    }

    /** Whether the library is installed and has all that is used here. */
    public static boolean isInstalled() {
        try {
            return Library.SYMBOLS.find("rbd_diff_iterate2").isPresent();
        } catch (LinkageError e) {
            return false;
        }
    }

    /**
     * Opens one.
     *
     * @param snapshot as it was then, null as it is
     */
    public static RadosImage open(Rados.Pool pool, String name, @Nullable String snapshot) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment opened = arena.allocate(POINTER);
            MemorySegment point = snapshot == null ? MemorySegment.NULL : arena.allocateFrom(snapshot);
            checked((int) Library.OPEN.invokeExact(pool.handle(), arena.allocateFrom(name), opened, point), name);
            return new RadosImage(opened.get(ValueLayout.ADDRESS, 0));
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_open_read_only", e);
        }
    }

    private static void checked(long result, String name) throws IOException {
        if (result < 0) {
            throw new IOException("image '" + name + "': " + CLibrary.message((int) -result));
        }
    }

    public long size() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(LONG);
            checked((int) Library.SIZE.invokeExact(image, size), "size");
            return size.get(LONG, 0);
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_get_size", e);
        }
    }

    /**
     * A part of an image.
     *
     * @param at where it begins, in bytes
     * @param length in bytes
     */
    public record Part(long at, long length) {}

    /** What the library calls for each part. */
    @FunctionalInterface
    interface Called {
        /** Returns 0, or an error's number below 0 to end the call. */
        int add(long at, long length, int exists, MemorySegment argument);
    }

    private static final class Parts implements Called {
        private final List<Part> all = new ArrayList<>();
        private @Nullable Throwable failure;

        /** Whatever it throws would end the JVM. */
        @Override
        public int add(long at, long length, int exists, MemorySegment argument) {
            try {
                if (exists != 0) {
                    add(at, length);
                }
                return 0;
            } catch (Throwable e) {
                failure = e;
                return -Errno.ENOMEM;
            }
        }

        private void add(long at, long length) {
            Part last = all.isEmpty() ? null : all.getLast();
            if (last != null && last.at() + last.length() == at) {
                all.set(all.size() - 1, new Part(last.at(), last.length() + length));
            } else {
                all.add(new Part(at, length));
            }
        }
    }

    /** The parts that hold data, its parent's too, in their order. All others read as zeroes. */
    @SuppressWarnings("restricted")
    public List<Part> parts() throws IOException {
        Parts parts = new Parts();
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle add = MethodHandles.lookup()
                    .bind(
                            parts,
                            "add",
                            MethodType.methodType(int.class, long.class, long.class, int.class, MemorySegment.class));
            MemorySegment called =
                    Linker.nativeLinker().upcallStub(add, FunctionDescriptor.of(INT, LONG, LONG, INT, POINTER), arena);
            long size = size();
            int result = (int) Library.DIFFERENCE.invokeExact(
                    image, MemorySegment.NULL, 0L, size, (byte) 1, (byte) 0, called, MemorySegment.NULL);
            if (parts.failure != null) {
                throw parts.failure;
            }
            checked(result, "parts");
            return parts.all;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_diff_iterate2", e);
        }
    }

    /** Takes what was read. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes a piece.
         *
         * @param at where it is in the image; pieces come in their order
         * @param bytes used again when this returns
         */
        void take(long at, ByteBuffer bytes) throws IOException;
    }

    /** Parts in pieces of a size that is read at once. */
    private static final class Pieces {
        private final Iterator<Part> parts;
        private long at;
        private long end;

        private Pieces(List<Part> parts) {
            this.parts = parts.iterator();
        }

        private @Nullable Part next() {
            while (at == end) {
                if (!parts.hasNext()) {
                    return null;
                }
                Part part = parts.next();
                at = part.at();
                end = at + part.length();
            }
            Part piece = new Part(at, Math.min(PIECE, end - at));
            at += piece.length();
            return piece;
        }
    }

    /** What one read needs, used again for the next. */
    private record Slot(MemorySegment buffer, MemorySegment made) {}

    /** A read that is under way. */
    private record Reading(Part part, Slot slot, MemorySegment completion) {}

    /** Reads parts, several pieces at once. */
    public void read(List<Part> parts, Sink sink) throws IOException {
        // The library writes into these until a read is complete, and all are waited for.
        try (Arena arena = Arena.ofShared()) {
            Deque<Slot> free = new ArrayDeque<>();
            for (int i = 0; i < AT_ONCE; i++) {
                free.add(new Slot(arena.allocate(PIECE, 4096), arena.allocate(POINTER)));
            }
            Deque<Reading> under = new ArrayDeque<>();
            Pieces pieces = new Pieces(parts);
            try {
                begin(pieces, free, under);
                while (!under.isEmpty()) {
                    Reading next = under.removeFirst();
                    Part part = next.part();
                    long length = ended(next);
                    checked(length, "read");
                    if (length != part.length()) {
                        throw new IOException("image: of " + part.length() + " bytes at " + part.at() + " only "
                                + length + " could be read");
                    }
                    sink.take(part.at(), next.slot().buffer().asSlice(0, length).asByteBuffer());
                    free.add(next.slot());
                    begin(pieces, free, under);
                }
            } finally {
                for (Reading left : under) {
                    long _ = ended(left);
                }
            }
        }
    }

    private void begin(Pieces pieces, Deque<Slot> free, Deque<Reading> under) throws IOException {
        while (!free.isEmpty()) {
            Part piece = pieces.next();
            if (piece == null) {
                return;
            }
            under.add(begin(piece, free.removeFirst()));
        }
    }

    private Reading begin(Part part, Slot slot) throws IOException {
        try {
            checked((int) Library.COMPLETION.invokeExact(MemorySegment.NULL, MemorySegment.NULL, slot.made()), "read");
            MemorySegment completion = slot.made().get(ValueLayout.ADDRESS, 0);
            int status = (int) Library.READ.invokeExact(image, part.at(), part.length(), slot.buffer(), completion);
            if (status < 0) {
                Library.RELEASE.invokeExact(completion);
            }
            checked(status, "read");
            return new Reading(part, slot, completion);
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_aio_read", e);
        }
    }

    /** Waits for a read; below 0 it is an error's number. */
    private static long ended(Reading reading) {
        try {
            int _ = (int) Library.WAIT.invokeExact(reading.completion());
            long result = (long) Library.RESULT.invokeExact(reading.completion());
            Library.RELEASE.invokeExact(reading.completion());
            return result;
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_aio_read", e);
        }
    }

    @Override
    public void close() {
        try {
            int _ = (int) Library.CLOSE.invokeExact(image);
        } catch (Throwable e) {
            throw CLibrary.unexpected("rbd_close", e);
        }
    }
}
