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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A Perl program calls a Perl plugin that moved behind the daemon, and the same plugin in its own process. */
final class AdoptedPlugin {
    private AdoptedPlugin() {}

    static List<Comparison> run(Scratch scratch, Plan plan) throws IOException, InterruptedException {
        Path control = scratch.file("adopting.sock");
        Path constant = PerlProgram.file("ConstantPlugin.pm");
        Path legacy = Home.perlShim().resolve("examples/LegacyDirPlugin.pm");
        Map<String, Object> config = Map.of(
                "type",
                "dir",
                "path",
                scratch.storage().toString(),
                "content",
                Map.of("images", "1"),
                "legacydir-quiet",
                "1");
        try (JavaProcess _ = JavaProcess.start(
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
                        constant.toString(),
                        "--plugin",
                        legacy.toString()),
                List.of(control),
                scratch.file("adopting.log"))) {
            List<Comparison> comparisons = new ArrayList<>();
            comparisons.add(compare("volume_size_info, constants", constant, "constant", control, config, plan));
            if (System.getenv("TENON_PVE_LIB") != null) {
                // It runs qemu-img, so a tenth of the calls takes as long. Its base class in a process is PVE's own.
                Plan fewer = new Plan(plan.block() / 10, plan.blocks(), Math.max(1, plan.block() / 10));
                comparisons.add(compare("volume_size_info, qcow2 file", legacy, "legacydir", control, config, fewer));
            }
            return comparisons;
        }
    }

    private static Comparison compare(
            String what, Path plugin, String type, Path socket, Map<String, Object> config, Plan plan)
            throws IOException, InterruptedException {
        Process program = PerlProgram.start(
                "adopted.pl", Home.perlShim().resolve("compat").toString());
        try (OutputStream job = program.getOutputStream()) {
            JSON.std.write(
                    Map.of(
                            "plugin", plugin.toString(),
                            "type", type,
                            "socket", socket.toString(),
                            "args", List.of(config, "bench", Scratch.QCOW2, 5),
                            "warmup", plan.warmup(),
                            "blocks", plan.blocks(),
                            "block", plan.block()),
                    job);
        }
        Comparison result = new Comparison(what, new Series(), new Series());
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                List<String> words = List.of(line.split(" ", -1));
                long[] nanos = words.stream().skip(1).mapToLong(Long::parseLong).toArray();
                (words.getFirst().equals("adopted") ? result.tenon() : result.echo()).add(nanos);
            }
        }
        if (program.waitFor() != 0) {
            throw new IOException("the Perl program ended with exit status " + program.exitValue());
        }
        return result;
    }
}
