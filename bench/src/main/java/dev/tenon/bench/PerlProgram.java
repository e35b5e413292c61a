package dev.tenon.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The Perl side of the comparisons. */
final class PerlProgram {
    private PerlProgram() {}

    static Path file(String name) {
        return Home.directory().resolve("bench/src/main/perl").resolve(name);
    }

    /** Starts one of the programs; what it complains of is shown. */
    static Process start(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "perl", "-I" + Home.perlShim().resolve("lib"), file(name).toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Gives a program its job, and takes what it measured: a line a block, with a name and then nanoseconds. */
    static Map<String, Series> measure(String name, Map<String, Object> job, String... arguments)
            throws IOException, InterruptedException {
        Process program = start(name, arguments);
        try (OutputStream input = program.getOutputStream()) {
            JSON.std.write(job, input);
        }
        Map<String, Series> series = new HashMap<>();
        try (BufferedReader lines = program.inputReader(StandardCharsets.US_ASCII)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                List<String> words = List.of(line.split(" ", -1));
                series.computeIfAbsent(words.getFirst(), each -> new Series())
                        .add(words.stream().skip(1).mapToLong(Long::parseLong).toArray());
            }
        }
        if (program.waitFor() != 0) {
            throw new IOException("the Perl program ended with exit status " + program.exitValue());
        }
        return series;
    }
}
