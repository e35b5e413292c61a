package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/**
 * Compression by the system's libzstd, which every Debian has. One object is for one thread at a time; it keeps the memory
 * that the library works in, about 1 MiB at level 1.
 */
public final class Zstd implements AutoCloseable {
    private static final SymbolLookup LIBRARY = library();
    private static final MethodHandle BOUND = function("ZSTD_compressBound", ValueLayout.JAVA_LONG);
    private static final MethodHandle CREATE_COMPRESSION = creation("ZSTD_createCCtx");
    private static final MethodHandle CREATE_DECOMPRESSION = creation("ZSTD_createDCtx");
    private static final MethodHandle FREE_COMPRESSION = function("ZSTD_freeCCtx", ValueLayout.ADDRESS);
    private static final MethodHandle FREE_DECOMPRESSION = function("ZSTD_freeDCtx", ValueLayout.ADDRESS);
    private static final MethodHandle IS_ERROR =
            linked("ZSTD_isError", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    private static final MethodHandle COMPRESS = linked(
            "ZSTD_compressCCtx",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle DECOMPRESS = linked(
            "ZSTD_decompressDCtx",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG));

    private final MemorySegment compression = created(CREATE_COMPRESSION);
    private final MemorySegment decompression = created(CREATE_DECOMPRESSION);

    @SuppressWarnings("restricted")
    private static SymbolLookup library() {
        return SymbolLookup.libraryLookup("libzstd.so.1", Arena.global());
    }

    private static MethodHandle function(String name, ValueLayout parameter) {
        return linked(name, FunctionDescriptor.of(ValueLayout.JAVA_LONG, parameter));
    }

    private static MethodHandle creation(String name) {
        return linked(name, FunctionDescriptor.of(ValueLayout.ADDRESS));
    }

    @SuppressWarnings("restricted")
    private static MethodHandle linked(String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), descriptor);
    }

    private static MemorySegment created(MethodHandle creation) {
        try {
            return (MemorySegment) creation.invokeExact();
        } catch (Throwable e) {
            throw CLibrary.unexpected("libzstd", e);
        }
    }

    /** How many bytes the compressed form of that many bytes may have at most. */
    public static long bound(long size) {
        try {
            return (long) BOUND.invokeExact(size);
        } catch (Throwable e) {
            throw CLibrary.unexpected("ZSTD_compressBound", e);
        }
    }

    /**
     * Compresses what remains in one buffer into another, whose limit is then the end of it. The first stays as it is.
     *
     * @param from direct
     * @param to direct
     * @param level 1 is the fastest
     * @return whether the other had room for it
     */
    public boolean compress(ByteBuffer from, ByteBuffer to, int level) {
        MemorySegment source = MemorySegment.ofBuffer(from);
        MemorySegment target = MemorySegment.ofBuffer(to);
        try {
            return took(to, (long)
                    COMPRESS.invokeExact(compression, target, target.byteSize(), source, source.byteSize(), level));
        } catch (Throwable e) {
            throw CLibrary.unexpected("ZSTD_compressCCtx", e);
        }
    }

    private static boolean took(ByteBuffer to, long result) throws Throwable {
        if ((int) IS_ERROR.invokeExact(result) != 0) {
            return false;
        }
        to.limit(to.position() + (int) result);
        return true;
    }

    /**
     * Decompresses what remains in one buffer into another, whose limit is then the end of it. The first stays as it is.
     *
     * @param from direct
     * @param to direct
     * @return whether it was compressed data and the other had room for it
     */
    public boolean decompress(ByteBuffer from, ByteBuffer to) {
        MemorySegment source = MemorySegment.ofBuffer(from);
        MemorySegment target = MemorySegment.ofBuffer(to);
        try {
            return took(to, (long)
                    DECOMPRESS.invokeExact(decompression, target, target.byteSize(), source, source.byteSize()));
        } catch (Throwable e) {
            throw CLibrary.unexpected("ZSTD_decompressDCtx", e);
        }
    }

    @Override
    public void close() {
        free(FREE_COMPRESSION, compression);
        free(FREE_DECOMPRESSION, decompression);
    }

    private static void free(MethodHandle freeing, MemorySegment context) {
        try {
            long _ = (long) freeing.invokeExact(context);
        } catch (Throwable e) {
            throw CLibrary.unexpected("libzstd", e);
        }
    }
}
