package dev.tenon.bench;

import dev.tenon.bridge.serve.DaemonClient;
import dev.tenon.bridge.serve.Overview;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Many callers of one plugin: what they get of its family of processes. */
final class Families {
    private static final int PROCESSES = 8;
    private static final int WAIT_MILLIS = 20;
    private static final int ROUNDS = 3;
    private static final int IMPORT_CALLS = 200;
    private static final long IMPORTED = 2L << 30;
    private static final long IMPORT_RATE = 128L << 20;
    private static final long KIB = 1024;

    /**
     * What was measured.
     *
     * @param beside short calls while another's call of 10 s is under way in the same plugin, beside an idle plugin
     * @param importing the same while the plugin imports a volume
     * @param scaling how many times the calls a second of one process eight processes make, by rounds ascending
     * @param waiting the same for calls that wait
     * @param memory the most private bytes that a further member had
     */
    record Result(Comparison beside, Comparison importing, List<Double> scaling, List<Double> waiting, long memory) {}

    private Families() {}

    /** With this many calls of each process where calls cost nothing. */
    static Result run(Scratch scratch, Plan plan, int calls) throws IOException, InterruptedException {
        Path control = scratch.file("family.sock");
        Path busy = PerlProgram.file("WaitingPlugin.pm");
        Path idle = Files.writeString(
                scratch.file("RestingPlugin.pm"),
                Files.readString(busy).replace("Waiting", "Resting").replace("'waiting'", "'resting'"));
        try (JavaProcess _ = JavaProcess.daemon(scratch, control, busy, idle)) {
            Map<String, Object> job = new HashMap<>(Map.of(
                    "socket", control.toString(),
                    "config", scratch.storage().toString(),
                    "busy", "waiting",
                    "idle", "resting",
                    "warmup", plan.warmup(),
                    "blocks", plan.blocks(),
                    "block", plan.block()));
            List<Double> scaling = scaling(job, "now", calls);
            long memory = privateMemory(control);
            List<Double> waiting = scaling(job, "wait-" + WAIT_MILLIS, Math.max(1, calls / PROCESSES));
            job.put("what", "turns");
            Comparison beside =
                    Comparison.of("beside a call of 10 s", PerlProgram.measure("family.pl", job), "busy", "idle");
            job.putAll(Map.of("what", "import", "calls", IMPORT_CALLS, "bytes", IMPORTED, "rate", IMPORT_RATE));
            Comparison importing =
                    Comparison.of("beside an import of 2 GiB", PerlProgram.measure("family.pl", job), "busy", "idle");
            return new Result(beside, importing, scaling, waiting, memory);
        }
    }

    /** Calls a second of many processes at once, as a multiple of those of one. */
    private static List<Double> scaling(Map<String, Object> job, String volume, int calls)
            throws IOException, InterruptedException {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            job.putAll(Map.of("what", "many", "volume", volume, "calls", calls, "processes", 1));
            double one = Objects.requireNonNull(
                            PerlProgram.measure("family.pl", job).get("all"))
                    .micros(0);
            job.put("processes", PROCESSES);
            double all = Objects.requireNonNull(
                            PerlProgram.measure("family.pl", job).get("all"))
                    .micros(0);
            ratios.add(PROCESSES * one / all);
        }
        return ratios.stream().sorted().toList();
    }

    /** The most that a member has for itself which is not the only one of its plugin. */
    private static long privateMemory(Path control) throws IOException, InterruptedException {
        long most = 0;
        for (Overview.Plugin plugin : DaemonClient.overview(control).plugins()) {
            if (plugin.processes().size() > 1) {
                for (Overview.Member member : plugin.processes()) {
                    most = Math.max(most, privateBytes(member.pid()));
                }
            }
        }
        return most;
    }

    private static long privateBytes(long pid) throws IOException {
        return KIB
                * Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                        .filter(line -> line.startsWith("Private_"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
                        .sum();
    }
}
