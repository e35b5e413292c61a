package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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
        try (JavaProcess daemon = JavaProcess.daemon(scratch, control, plugin);
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
                    Comparison.of("adopted plugin", hosted, "adopted", "own"),
                    Comparison.of("storage in Java, constants", constants, "native", "packed"),
                    growth);
        }
    }

    private static Map<String, Series> measure(Map<String, Object> job) throws IOException, InterruptedException {
        return PerlProgram.measure(
                "lists.pl", job, Home.perlShim().resolve("compat").toString());
    }
}
