package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How long a command takes that has almost nothing to do, beside the least that its JVM and that Perl take to start. */
final class Start {
    private static final double TARGET_JVM = 2;
    private static final double TARGET_PERL = 1.5;
    private static final double TARGET_PERL_MILLIS = 100;

    private Start() {}

    static void run(Scratch scratch, Report report, int rounds) throws IOException, InterruptedException {
        Path storage = scratch.file("start");
        Path image = Files.createDirectories(storage.resolve("images/100")).resolve("vm-100-disk-0.raw");
        Files.write(image, new byte[1]);
        Path config =
                Files.writeString(scratch.file("start.cfg"), "dir: fast\n\tpath " + storage + "\n\tcontent images\n\n");
        List<String> tenon = List.of(
                Home.directory().resolve("bin/tenon").toString(),
                "volume",
                "list",
                "fast",
                "--config",
                config.toString());
        Path control = scratch.file("start.sock");
        List<String> asking = new ArrayList<>(tenon);
        asking.addAll(List.of("--socket", control.toString()));
        String java = ProcessHandle.current().info().command().orElse("java");
        Turns ours = new Turns();
        Turns asked = new Turns();
        Turns jvm = new Turns();
        Turns perl = new Turns();
        try (JavaProcess _ = JavaProcess.daemon(scratch, control)) {
            Turns.take(
                    Turns.CLOSE * rounds,
                    List.of(ours, asked, jvm, perl),
                    () -> add(ours, tenon),
                    () -> add(asked, asking),
                    () -> add(jvm, List.of(java, "--version")),
                    () -> add(perl, List.of("perl", "-MPOSIX", "-e1")));
        }
        report.line("");
        report.line("Starting a command");
        ours.report(report, "tenon volume list");
        beside(report, "java --version", ours, jvm, TARGET_JVM, 0);
        asked.report(report, "tenon volume list, by a daemon");
        beside(report, "perl -MPOSIX -e1", asked, perl, TARGET_PERL, TARGET_PERL_MILLIS);
        report.line(String.format(
                Locale.ROOT,
                "  Targets: %.1f times java --version without a daemon, %.1f times perl -MPOSIX -e1 and %.0f ms with one.",
                TARGET_JVM,
                TARGET_PERL,
                TARGET_PERL_MILLIS));
    }

    private static void add(Turns turns, List<String> command) throws IOException, InterruptedException {
        List<String> silent = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" >/dev/null", "sh"));
        silent.addAll(command);
        Peer.Cost cost = Peer.run(silent);
        turns.add(cost.nanos(), cost.cpuNanos());
    }

    private static void beside(Report report, String what, Turns ours, Turns other, double times, double millis) {
        double[] speeds = ours.speeds(other);
        report.line(String.format(
                Locale.ROOT,
                "    %-36s %9.1f ms, CPU %.1f ms: %.1f (%.1f .. %.1f) times as long %s",
                what,
                other.millis(),
                other.cpuMillis(),
                1 / Series.median(speeds),
                1 / speeds[speeds.length - 1],
                1 / speeds[0],
                ours.millis() <= times * other.millis() + millis ? "good" : "OVER"));
    }
}
