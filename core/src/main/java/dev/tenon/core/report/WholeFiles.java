package dev.tenon.core.report;

import dev.tenon.core.linux.DirectorySync;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files of text that are there whole or not at all. */
public final class WholeFiles {
    private WholeFiles() {}

    /**
     * Writes a report for programs ({@code report.json}), for builds ({@code report.xml}) and for people
     * ({@code report.html}).
     *
     * @param directory is made if it is not there; files of an earlier report in it are replaced
     * @throws IOException if one cannot be written
     */
    public static void writeReport(Path directory, String json, String xml, String html) throws IOException {
        Files.createDirectories(directory);
        write(directory.resolve("report.json"), json);
        write(directory.resolve("report.xml"), xml);
        write(directory.resolve("report.html"), html);
    }

    /**
     * Writes one, in place of another of that name.
     *
     * @throws IOException if it cannot be written; then an earlier one is as it was
     */
    public static void write(Path file, String text) throws IOException {
        Path part = file.resolveSibling(
                "." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(
                    part, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                // Else it may be there and empty after the power has failed.
                channel.force(true);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
        try {
            DirectorySync.of(file.toAbsolutePath().resolveSibling(""));
        } catch (IOException e) {
            // Not every file system lets a directory be forced; the file is in its place.
        }
    }
}
