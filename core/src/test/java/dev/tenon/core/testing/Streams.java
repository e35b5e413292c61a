package dev.tenon.core.testing;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Volumes on their way, through real pipes and sockets. */
public final class Streams {
    private static final int MODE = 0640;
    private static final int AF_UNIX = 1;
    private static final int APPENDING_CLOSED_ON_EXEC = 1 | 0x400 | 0x80000;
    private static final int SOCK_STREAM_CLOSED_ON_EXEC = 1 | 0x80000;

    private Streams() {}

    /** What lies between the two ends of a stream. */
    public enum Way {
        PIPE,
        SOCKET;

        private Descriptor.Pipe open() {
            try {
                return this == PIPE ? Descriptor.pipe() : socketPair();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Two Unix stream sockets that are connected. */
    public static Descriptor.Pipe socketPair() {
        MethodHandle socketpair = function(
                "socketpair", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(ValueLayout.JAVA_INT, 2);
            int result = (int) socketpair.invokeExact(AF_UNIX, SOCK_STREAM_CLOSED_ON_EXEC, 0, numbers);
            if (result != 0) {
                throw new AssertionError("no socketpair");
            }
            return new Descriptor.Pipe(
                    Descriptor.of(numbers.getAtIndex(ValueLayout.JAVA_INT, 0), "one end"),
                    Descriptor.of(numbers.getAtIndex(ValueLayout.JAVA_INT, 1), "the other end"));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A file that is there, open to write behind its end. */
    public static Descriptor openForAppending(Path file) {
        MethodHandle open = function("open", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
        try (Arena arena = Arena.ofConfined()) {
            int number = (int) open.invokeExact(arena.allocateFrom(file.toString()), APPENDING_CLOSED_ON_EXEC);
            if (number < 0) {
                throw new AssertionError("'" + file + "' cannot be opened");
            }
            return Descriptor.of(number, file.toString());
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A new file, open for writing. */
    private static Descriptor newFile(Path file) {
        MethodHandle creat = function("creat", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
        try (Arena arena = Arena.ofConfined()) {
            int number = (int) creat.invokeExact(arena.allocateFrom(file.toString()), MODE);
            if (number < 0) {
                throw new AssertionError("'" + file + "' cannot be made");
            }
            return Descriptor.of(number, file.toString());
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** A function of the C library that answers with a number. */
    @SuppressWarnings("restricted")
    private static MethodHandle function(String name, MemoryLayout... arguments) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(
                linker.defaultLookup().find(name).orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    /** Lets one storage send what another takes. */
    public static <T> T passed(Way way, Consumer<ExportStream> export, Function<ImportStream, T> importing) {
        Descriptor.Pipe ends = way.open();
        CompletableFuture<Void> sending = inBackground(() -> exporting(ends.write(), export));
        T result;
        try (DescriptorImport stream = new DescriptorImport(ends.read(), StreamSettings.USUAL)) {
            result = importing.apply(stream);
        }
        join(sending);
        return result;
    }

    private static void exporting(Descriptor end, Consumer<ExportStream> export) {
        try (DescriptorExport stream = new DescriptorExport(end, StreamSettings.USUAL)) {
            export.accept(stream);
        }
    }

    private static CompletableFuture<Void> inBackground(Runnable work) {
        return CompletableFuture.runAsync(
                work, task -> Thread.ofPlatform().daemon().start(task));
    }

    private static void join(CompletableFuture<Void> work) {
        try {
            work.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Writes what an export sends to a file. */
    public static void export(Path file, Consumer<ExportStream> export) {
        read(export, in -> Files.copy(in, file));
    }

    /** Lets an export write into a file itself. */
    public static void exportInto(Path file, Consumer<ExportStream> export) {
        exporting(newFile(file), export);
    }

    /** Takes only so many bytes of an export and then closes. */
    public static void exportOnly(int bytes, Consumer<ExportStream> export) {
        read(export, in -> in.readNBytes(bytes));
    }

    private interface Reading {
        Object from(InputStream in) throws IOException;
    }

    private static void read(Consumer<ExportStream> export, Reading reading) {
        Descriptor.Pipe ends = Way.PIPE.open();
        InputStream in = opened(ends.read(), Files::newInputStream);
        CompletableFuture<Void> taking = inBackground(() -> {
            try (in) {
                reading.from(in);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        try {
            exporting(ends.write(), export);
        } finally {
            join(taking);
        }
    }

    /** Lets a storage take what is in a file. */
    public static <T> T importing(Path file, Function<ImportStream, T> importing) {
        return written(out -> Files.copy(file, out), importing);
    }

    /** Lets a storage take a stream that says this size and consists of these bytes. */
    public static <T> T importing(long size, byte[] bytes, Function<ImportStream, T> importing) {
        return written(
                out -> {
                    out.write(ByteBuffer.allocate(Long.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(size)
                            .array());
                    out.write(bytes);
                },
                importing);
    }

    /** What writes a stream, which ends when it returns. */
    public interface Writing {
        void to(OutputStream out) throws IOException;
    }

    /** Lets a storage take what is written meanwhile. */
    public static <T> T written(Writing writing, Function<ImportStream, T> importing) {
        Descriptor.Pipe ends = Way.PIPE.open();
        OutputStream out = opened(ends.write(), Files::newOutputStream);
        CompletableFuture<Void> giving = inBackground(() -> {
            try (out) {
                writing.to(out);
            } catch (IOException e) {
                // whoever refuses a stream does not read it to its end
            }
        });
        try (DescriptorImport stream = new DescriptorImport(ends.read(), StreamSettings.USUAL)) {
            return importing.apply(stream);
        } finally {
            join(giving);
        }
    }

    private interface Opening<T> {
        T open(Path file) throws IOException;
    }

    /** An end of a pipe as Java knows streams. */
    private static <T> T opened(Descriptor end, Opening<T> opening) {
        try (end) {
            return opening.open(Path.of("/proc/self/fd/" + end.number()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first difference between two files, null if there is none. */
    public static @Nullable Long mismatch(Path one, Path other) {
        try {
            long at = Files.mismatch(one, other);
            return at < 0 ? null : at;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
