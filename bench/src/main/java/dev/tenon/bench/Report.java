package dev.tenon.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Prints what was measured. */
final class Report {
    private static final double TARGET_RATIO = 1.5;
    private static final double TARGET_SWITCHES = 1.2;
    private static final double TARGET_CONNECTIONS = 1.3;
    private static final long TARGET_RESIDENT = 150L << 20;
    private static final double TARGET_CROWDED_MIB = 256;
    private static final double MIB = 1 << 20;

    private final PrintWriter out;

    Report(PrintWriter out) {
        this.out = out;
    }

    void heading(String text) {
        heading(text, "echo");
    }

    /** Above a table whose lines are beside another peer than an echo. */
    void heading(String text, String peer) {
        line("");
        line(text);
        line(String.format(
                Locale.ROOT,
                "  %-30s %9s %9s %9s %9s  %-22s %6s",
                "microseconds",
                "p50",
                peer + " p50",
                "p99",
                peer + " p99",
                "p50 ratio",
                "p99"));
    }

    /** A line of the table; one that is there only to be read beside the others is not held against the target. */
    void row(Comparison comparison, boolean judged) {
        row(comparison, judged ? TARGET_RATIO : Double.NaN, Double.NaN);
    }

    /** A line of the table, with the most that the ratios of p50 and p99 may be, NaN for any. */
    void row(Comparison comparison, double targetP50, double targetP99) {
        Series tenon = comparison.tenon();
        Series echo = comparison.echo();
        double[] ratios = tenon.ratios(echo, 50);
        double ratio = Series.median(ratios);
        double ratioP99 = Series.median(tenon.ratios(echo, 99));
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f %9.1f %9.1f %9.1f  %4.2f (%4.2f .. %4.2f) %s %5.2f %s",
                comparison.what(),
                tenon.micros(50),
                echo.micros(50),
                tenon.micros(99),
                echo.micros(99),
                ratio,
                ratios[0],
                ratios[ratios.length - 1],
                verdict(ratio, targetP50),
                ratioP99,
                verdict(ratioP99, targetP99)));
    }

    private static String verdict(double value, double most) {
        return Double.isNaN(most) ? "    " : (value <= most ? "good" : "OVER") + " (" + most + ")";
    }

    /** How often the daemon waited for each time that the echo did. */
    void switches(double ratio) {
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.2f times the echo's %s",
                "voluntary context switches",
                ratio,
                verdict(ratio, TARGET_SWITCHES)));
    }

    /** How many times as much many do, by rounds ascending, with the least that it may be. */
    void scaling(String what, List<Double> ratios, double least) {
        double ratio =
                Series.median(ratios.stream().mapToDouble(Double::doubleValue).toArray());
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.2f times (%4.2f .. %4.2f) %s (%s)",
                what,
                ratio,
                ratios.getFirst(),
                ratios.getLast(),
                ratio >= least ? "good" : "UNDER",
                least));
    }

    void connections(ManyConnections.Result result) {
        double[] ratios = result.all().ratios(result.one(), 50);
        double ratio = Series.median(ratios);
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f us a call, with one connection %.1f: %4.2f (%4.2f .. %4.2f) %s",
                result.connections() + " connections",
                result.all().micros(50),
                result.one().micros(50),
                ratio,
                ratios[0],
                ratios[ratios.length - 1],
                ratio <= TARGET_CONNECTIONS ? "good" : "OVER"));
    }

    void resident(String when, long bytes) {
        line(String.format(
                Locale.ROOT, "  %-30s %9.1f MiB %s", when, bytes / MIB, bytes < TARGET_RESIDENT ? "good" : "OVER"));
    }

    void crowded(long bytes) {
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f MiB %s",
                "most resident memory",
                bytes / MIB,
                verdict(bytes / MIB, TARGET_CROWDED_MIB)));
    }

    /** How much more memory something had afterwards, with the most that it may be. */
    void growth(String what, long bytes, long most) {
        line(String.format(
                Locale.ROOT,
                "  %-30s %9.1f MiB more %s (%d)",
                what,
                bytes / MIB,
                bytes <= most ? "good" : "OVER",
                most >> 20));
    }

    void plan(Plan plan) {
        line("");
        line(String.format(
                Locale.ROOT,
                "%d calls of each peer in blocks of %d that take turns, after %d calls to warm up. p50 and p99 are medians"
                        + " over the blocks, a ratio is the median over the pairs of blocks (least .. most). Targets: p50"
                        + " ratio at most %.1f, many connections at most %.1f times one, resident below %d MiB.",
                plan.blocks() * plan.block(),
                plan.block(),
                plan.warmup(),
                TARGET_RATIO,
                TARGET_CONNECTIONS,
                TARGET_RESIDENT >> 20));
    }

    void machine() throws IOException {
        List<String> cpus = Files.readAllLines(Path.of("/proc/cpuinfo"));
        String model = cpus.stream()
                .filter(each -> each.startsWith("model name"))
                .map(each -> each.replaceFirst(".*: ", ""))
                .findFirst()
                .orElse("unknown processor");
        String memory = Files.readAllLines(Path.of("/proc/meminfo")).getFirst().replaceAll("\\D", "");
        line("");
        line(String.format(
                Locale.ROOT,
                "%d x %s, %.1f GiB, Linux %s, Java %s, load %s",
                Runtime.getRuntime().availableProcessors(),
                model,
                Long.parseLong(memory) / MIB,
                System.getProperty("os.version"),
                System.getProperty("java.vm.version"),
                Files.readString(Path.of("/proc/loadavg")).replaceFirst("^(\\S+ \\S+).*\\s*", "$1")));
        line(String.format(
                Locale.ROOT, "JVM options of all JVMs: %s", String.join(" ", dev.tenon.host.JavaProcess.options())));
    }

    void line(String text) {
        out.println(text);
        out.flush();
    }
}
