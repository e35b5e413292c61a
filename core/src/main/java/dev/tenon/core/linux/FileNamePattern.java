package dev.tenon.core.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * A pattern of path names as POSIX describes it, asked of fnmatch(3) with {@code FNM_PATHNAME}: {@code *}, {@code ?} and
 * {@code [...]} never match a slash. The JDK's glob patterns are others: they have {@code **} and {@code {a,b}}.
 */
public record FileNamePattern(String text) {
    private static final int FNM_PATHNAME = 1;
    private static final MethodHandle FNMATCH = CLibrary.function(
            "fnmatch",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    /** Whether the whole path matches. The path is taken as it is written. */
    public boolean matches(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pattern = CLibrary.pathName(arena, text);
            MemorySegment name = CLibrary.pathName(arena, path);
            return (int) FNMATCH.invokeExact(pattern, name, FNM_PATHNAME) == 0;
        } catch (Throwable e) {
            throw CLibrary.unexpected("fnmatch", e);
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
