package dev.tenon.core.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What goes past the page cache, where it can and where it cannot. */
class WritePastTest {
    private static final int SIZE = 10 * NativeMemory.PAGE;

    @TempDir
    private Path directory;

    private final byte[] bytes = new byte[SIZE + 100];

    private void written(Path file, int offset, int begin, int length) throws IOException {
        new Random(1).nextBytes(bytes);
        Files.write(file, new byte[0]);
        try (NativeMemory memory = new NativeMemory();
                SparseFile target = SparseFile.openForWritingPast(file)) {
            target.setSize(2 * SIZE);
            ByteBuffer buffer = memory.allocate(bytes.length).put(bytes);
            target.writePast(offset, buffer.limit(begin + length).position(begin));
            assertThat(buffer.remaining()).isZero();
            target.sync();
        }
        byte[] expected = new byte[2 * SIZE];
        System.arraycopy(bytes, begin, expected, offset, length);
        assertThat(Arrays.equals(Files.readAllBytes(file), expected)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        // whole pages, then each of the three that is none
        "4096, 0, 40960",
        "4000, 0, 40960",
        "4096, 7, 40960",
        "4096, 0, 40001"
    })
    void isWhereItBelongs(int offset, int begin, int length) throws IOException {
        written(directory.resolve("file"), offset, begin, length);
    }

    @Test
    void isWhereItBelongsOnAFileSystemInMemory() throws IOException {
        assumeTrue(Files.isWritable(Path.of("/dev/shm")), "there is no file system in memory to write to");
        Path file = Files.createTempFile(Path.of("/dev/shm"), "tenon-", ".raw");
        try {
            written(file, NativeMemory.PAGE, 0, SIZE);
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void goesOverWhatThePageCacheHas() throws IOException {
        Path file = directory.resolve("file");
        byte[] before = new byte[3 * NativeMemory.PAGE];
        Arrays.fill(before, (byte) 1);
        Files.write(file, before);
        try (NativeMemory memory = new NativeMemory();
                SparseFile target = SparseFile.openForWritingPast(file)) {
            target.write(0, ByteBuffer.allocateDirect(NativeMemory.PAGE));
            target.writePast(NativeMemory.PAGE, memory.allocate(NativeMemory.PAGE));
        }
        Arrays.fill(before, 0, 2 * NativeMemory.PAGE, (byte) 0);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }
}
