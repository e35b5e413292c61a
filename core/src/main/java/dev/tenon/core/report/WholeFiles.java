package dev.tenon.core.report;

import dev.tenon.core.linux.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

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

    private static void write(Path file, String text) throws IOException {
        AtomicFile.replaceReport(file, text.getBytes(StandardCharsets.UTF_8));
    }
}
