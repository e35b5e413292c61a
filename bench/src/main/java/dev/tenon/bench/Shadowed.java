package dev.tenon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Calls of a storage whose daemon has another plugin asked the same, beside calls of a daemon that has none, at a fixed
 * rate: the caller waits for as long as a call takes.
 */
final class Shadowed {
    static final double TARGET_P50 = 1.05;
    static final double TARGET_P99 = 1.3;
    static final long TARGET_MEMORY = 64L << 20;

    private static final String METHOD = "volume_size_info";
    private static final String ALONE = "alone";
    private static final String WITH = "shadowed";
    private static final double NANOS_PER_MICRO = 1000;

    /** What the new plugin does when it is asked. The native one takes some tens of microseconds. */
    private static final List<Kind> KINDS = List.of(
            new Kind("hangs", "sleep 3600;"),
            new Kind("dies", "POSIX::_exit(1);"),
            new Kind("slow", "Time::HiRes::sleep(0.01);"));

    private record Kind(String name, String code) {}

    /**
     * What was measured.
     *
     * @param memory how many bytes more the daemon with the new plugin had resident at most
     */
    record Result(Comparison comparison, long memory) {}

    private Shadowed() {}

    static List<Result> run(Scratch scratch, Plan plan) throws IOException, InterruptedException {
        Map<String, Object> config =
                Map.of("type", "dir", "path", scratch.storage().toString(), "content", Map.of("images", "1"));
        List<Object> args = List.of(config, "bench", Scratch.RAW, 5);
        Path alone = scratch.file("alone.sock");
        List<Result> results = new ArrayList<>();
        for (Kind kind : KINDS) {
            Path shadowed = scratch.file("shadow-" + kind.name() + ".sock");
            List<String> options = List.of(
                    "--shadow",
                    "dir=" + plugin(scratch, kind),
                    "--shadow-report",
                    scratch.file("reports-" + kind.name()).toString(),
                    "--routes",
                    scratch.file("routes").toString());
            try (JavaProcess without = JavaProcess.daemon(scratch, alone);
                    JavaProcess with = JavaProcess.daemonWith(scratch, shadowed, options)) {
                Map<String, String> peers = Map.of(ALONE, alone.toString(), WITH, shadowed.toString());
                Series quick = measure(args, Map.of(ALONE, alone.toString()), plan, Duration.ZERO)
                        .get(ALONE);
                if (quick == null) {
                    throw new IOException("nothing was measured of '" + alone + "'");
                }
                Duration pace = Duration.ofNanos((long) (2 * quick.micros(50) * NANOS_PER_MICRO));
                Map<String, Series> series = measure(args, peers, plan, pace);
                results.add(new Result(
                        Comparison.of(METHOD + ", new one " + kind.name(), series, WITH, ALONE),
                        with.mostResident() - without.mostResident()));
            }
        }
        return results;
    }

    private static Map<String, Series> measure(List<Object> args, Map<String, String> peers, Plan plan, Duration pace)
            throws IOException, InterruptedException {
        return PerlProgram.measure(
                "calls.pl",
                Map.of(
                        "method", METHOD,
                        "args", args,
                        "peers", peers,
                        "pace", pace.toNanos(),
                        "warmup", plan.warmup(),
                        "blocks", plan.blocks(),
                        "block", plan.block()));
    }

    private static Path plugin(Scratch scratch, Kind kind) throws IOException {
        Path file = scratch.file("Bench" + kind.name() + "Plugin.pm");
        return Files.writeString(file, """
                package PVE::Storage::Custom::Bench%1$sPlugin;
                use v5.36;
                use POSIX ();
                use Time::HiRes ();
                use base qw(PVE::Storage::Plugin);
                sub api ($class) { return 13 }
                sub type ($class) { return 'bench%1$s' }
                sub plugindata ($class) { return { content => [{ images => 1 }, { images => 1 }] } }
                sub options ($class) { return { path => { fixed => 1 } } }
                sub volume_size_info ($class, $scfg, $storeid, $volname, $timeout) {
                    %2$s
                    return (67108864, 'raw', 0, undef, 1760000000);
                }
                1;
                """.formatted(kind.name(), kind.code()));
    }
}
