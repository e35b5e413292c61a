package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Storages of LVM, beside what PVE's plugins run, on a kernel of their own: {@link LvmVolumes} runs in {@code bin/guest},
 * {@link ZfsVolumes} in {@code bin/guest --zfs}. Images
 * of Ceph on a cluster of {@code bin/ceph}: {@link RbdImages} runs beside it.
 */
final class Block {
    /** The answer of {@code bin/guest} and {@code bin/ceph} where they can do nothing. */
    private static final int NOT_HERE = 2;

    private Block() {}

    static void run(Report report, int rounds) throws IOException, InterruptedException {
        lvm(report, rounds);
        zfs(report, rounds);
        rbd(report, rounds);
    }

    private static void rbd(Report report, int rounds) throws IOException, InterruptedException {
        report.line("");
        report.line("Images of a Ceph cluster on this machine, which keeps everything in memory: only ratios tell");
        Path directory = Files.createTempDirectory("tenon-bench-");
        Process cluster = new ProcessBuilder(Home.directory() + "/bin/ceph", "hold", directory.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            BufferedReader said = cluster.inputReader(StandardCharsets.UTF_8);
            if (!"started".equals(said.readLine())) {
                int status = cluster.waitFor();
                if (status != NOT_HERE) {
                    throw new IOException("bin/ceph ended with exit status " + status);
                }
                report.line("  NOT MEASURED: there is no Ceph here, for the reason above");
                return;
            }
            measure(report, rounds, Path.of(said.readLine()), directory.resolve("ceph.conf"));
        } finally {
            cluster.getOutputStream().close();
            cluster.waitFor();
        }
    }

    private static void measure(Report report, int rounds, Path programs, Path configuration)
            throws IOException, InterruptedException {
        String monitor = Files.readAllLines(configuration).stream()
                .filter(line -> line.startsWith("mon_host"))
                .map(line -> line.replaceFirst(".*\\[v2:([0-9.:]+)/.*", "$1"))
                .findFirst()
                .orElseThrow();
        String libraries =
                programs.resolveSibling("root/usr/lib/x86_64-linux-gnu").toString();
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        System.getProperty("java.home") + "/bin/java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        RbdImages.class.getName(),
                        programs.toString(),
                        monitor,
                        Integer.toString(rounds)))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("CEPH_CONF", configuration.toString());
        builder.environment().put("LD_LIBRARY_PATH", libraries + ":" + libraries + "/ceph");
        Process process = builder.start();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                report.line("  " + line);
            }
        } finally {
            process.destroy();
        }
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException("measuring images of Ceph ended with exit status " + status);
        }
    }

    private static void lvm(Report report, int rounds) throws IOException, InterruptedException {
        report.line("");
        report.line("LVM in a guest, whose kernel is a program: only ratios tell");
        guest(report, List.of("--disk", "12G"), LvmVolumes.class, List.of(Integer.toString(rounds)));
    }

    private static void zfs(Report report, int rounds) throws IOException, InterruptedException {
        report.line("");
        report.line("ZFS in a guest, whose processor is a program: only ratios tell");
        List<String> arguments = new ArrayList<>(List.of(Integer.toString(rounds)));
        String libraries = System.getenv("TENON_PVE_LIB");
        if (libraries != null) {
            arguments.add(libraries);
            arguments.add(Home.directory() + "/perl-shim/lib");
            arguments.add(Home.directory() + "/perl-shim/compat");
        }
        guest(report, List.of("--zfs"), ZfsVolumes.class, arguments);
    }

    private static void guest(Report report, List<String> options, Class<?> program, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Home.directory() + "/bin/guest"));
        command.addAll(options);
        command.addAll(List.of(
                "--limit",
                "3600",
                "--",
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(arguments);
        Process guest = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .start();
        String last = "";
        try (BufferedReader lines = guest.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                report.line("  " + line);
                last = line;
            }
        } finally {
            guest.destroy();
        }
        int status = guest.waitFor();
        if (status == NOT_HERE) {
            report.line("  NOT MEASURED: " + last);
        } else if (status != 0) {
            throw new IOException("the guest ended with exit status " + status + ": " + Objects.toString(last));
        }
    }
}
