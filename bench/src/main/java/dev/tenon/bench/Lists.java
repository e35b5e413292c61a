package dev.tenon.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.cli.Tenon;
import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A list of many volumes: by a plugin behind the daemon, and by a storage in Java. */
final class Lists {
    private static final int MEMORY_LISTS = 10;

    /**
     * What was measured.
     *
     * @param growth the bytes that the daemon had resident more after ten lists of the adopted plugin than before
     */
    record Result(Comparison adopted, Comparison constants, long growth) {}

    private Lists() {}

    static Result run(Scratch scratch, int rounds) throws IOException, InterruptedException {
        Path control = scratch.file("lists.sock");
        Path constant = scratch.file("lists-constant.sock");
        Path plugin = PerlProgram.file("ConstantPlugin.pm");
        try (JavaProcess daemon = JavaProcess.start(
                        Tenon.class,
                        List.of(
                                "serve",
                                "--socket",
                                control.toString(),
                                "--journal",
                                scratch.file("journal").toString(),
                                "--adopted",
                                scratch.file("nothing").toString(),
                                "--plugin",
                                plugin.toString()),
                        List.of(control),
                        scratch.file("lists.log"));
                JavaProcess _ = JavaProcess.start(
                        ConstantStorage.class,
                        List.of(constant.toString()),
                        List.of(constant),
                        scratch.file("lists-constant.log"))) {
            Map<String, Object> job = new HashMap<>(Map.of(
                    "plugin", plugin.toString(),
                    "adopted", control.toString(),
                    "native", constant.toString(),
                    "config", Map.of("type", "dir", "path", scratch.storage().toString()),
                    "rounds", MEMORY_LISTS - 1,
                    "peers", List.of("adopted")));
            long before = daemon.resident();
            var _ = measure(job);
            long growth = daemon.resident() - before;
            job.put("rounds", rounds);
            job.put("peers", List.of("adopted", "own"));
            Map<String, Series> hosted = measure(job);
            job.put("peers", List.of("native", "packed"));
            Map<String, Series> constants = measure(job);
            return new Result(
                    comparison("adopted plugin", hosted, "adopted", "own"),
                    comparison("storage in Java, constants", constants, "native", "packed"),
                    growth);
        }
    }

    private static Comparison comparison(String what, Map<String, Series> series, String one, String other) {
        return new Comparison(what, Objects.requireNonNull(series.get(one)), Objects.requireNonNull(series.get(other)));
    }

    private static Map<String, Series> measure(Map<String, Object> job) throws IOException, InterruptedException {
        Process program =
                PerlProgram.start("lists.pl", Home.perlShim().resolve("compat").toString());
        try (OutputStream input = program.getOutputStream()) {
            JSON.std.write(job, input);
        }
        Map<String, Series> series = new HashMap<>();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                series.computeIfAbsent(words[0], name -> new Series()).add(new long[] {Long.parseLong(words[1])});
            }
        }
        if (program.waitFor() != 0) {
            throw new IOException("the Perl program ended with exit status " + program.exitValue());
        }
        return series;
    }
}
