package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/** Storages of LVM, beside what PVE's plugins run, on a kernel of their own: {@link LvmVolumes} runs in {@code bin/guest}. */
final class Block {
    private static final int NO_GUEST = 2;

    private Block() {}

    static void run(Report report, int rounds) throws IOException, InterruptedException {
        report.line("");
        report.line("LVM in a guest, whose kernel is a program: only ratios tell");
        Process guest = new ProcessBuilder(List.of(
                        Home.directory() + "/bin/guest",
                        "--disk",
                        "12G",
                        "--limit",
                        "3600",
                        "--",
                        System.getProperty("java.home") + "/bin/java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LvmVolumes.class.getName(),
                        Integer.toString(rounds)))
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
        if (status == NO_GUEST) {
            report.line("  NOT MEASURED: " + last);
        } else if (status != 0) {
            throw new IOException("the guest ended with exit status " + status + ": " + Objects.toString(last));
        }
    }
}
