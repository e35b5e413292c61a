package dev.tenon.core.compare;

import dev.tenon.core.report.WholeFiles;
import java.io.IOException;
import java.nio.file.Path;

/** Writes a report for people ({@code report.html}), for programs ({@code report.json}) and for builds ({@code report.xml}). */
public final class ReportFiles {
    private ReportFiles() {}

    /**
     * Writes the three files, each whole or not at all.
     *
     * @param directory is made if it is not there; files of an earlier report in it are replaced
     * @throws IOException if one cannot be written
     */
    public static void write(Report report, Path directory) throws IOException {
        WholeFiles.writeReport(directory, JsonReport.of(report), XmlReport.of(report), HtmlReport.of(report));
    }
}
