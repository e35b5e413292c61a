package dev.tenon.bench;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A storage that is asked for its status, and how the measurements of block storages ask. */
record Asked(StoragePlugin plugin, Storage storage) {
    private static final double TARGET_STATUS = 3;

    static Turns.Turn timed(Turns turns, Turns.Turn work) {
        return () -> {
            long begin = System.nanoTime();
            work.take();
            turns.add((double) (System.nanoTime() - begin), 0);
        };
    }

    /** Runs a command, which must succeed, and reads what it says. */
    static void run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        process.getInputStream().readAllBytes();
        if (process.waitFor() != 0) {
            throw new IOException("command '" + String.join(" ", command) + "' failed");
        }
    }

    /** Programs of {@code /sbin} in a directory of their own, each of which adds a line to its file {@code log}. */
    static Path counting(String... programs) throws IOException {
        Path directory = Files.createTempDirectory("programs-");
        Path log = Files.createFile(directory.resolve("log"));
        for (String program : programs) {
            Path script = Files.writeString(
                    directory.resolve(program), "#!/bin/sh\necho >>" + log + "\nexec /sbin/" + program + " \"$@\"\n");
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        return directory;
    }

    /** Reports how many of these programs were run since the last time. */
    static void counted(Report report, Path programs, String what, int most) throws IOException {
        Path log = programs.resolve("log");
        int count = Files.readAllLines(log).size();
        report.line("commands " + what + ": " + count + (count <= most ? " good (" : " OVER (") + most + ")");
        Files.writeString(log, "");
    }

    /** Asks as a part of one operation of the host. */
    boolean active(OperationCache cache) throws IOException {
        if (!(plugin.status(storage, cache) instanceof StorageStatus.Active)) {
            throw new IOException("storage " + storage.id() + " is not active");
        }
        return true;
    }

    /** Measures the status of all at once, as the host asks in one operation, beside one after the other. */
    static void atOnce(Report report, int rounds, List<Asked> all) throws IOException, InterruptedException {
        Turns atOnce = new Turns();
        Turns oneByOne = new Turns();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Turns.take(
                    rounds,
                    List.of(atOnce, oneByOne),
                    timed(atOnce, () -> {
                        OperationCache cache = OperationCache.create();
                        List<Future<Boolean>> asked = new ArrayList<>();
                        for (Asked each : all) {
                            asked.add(threads.submit(() -> each.active(cache)));
                        }
                        for (Future<Boolean> each : asked) {
                            got(each);
                        }
                    }),
                    timed(oneByOne, () -> {
                        for (Asked each : all) {
                            each.active(OperationCache.create());
                        }
                    }));
        }
        atOnce.report(report, "status of " + all.size() + " storages at once");
        atOnce.beside(report, "one after the other", oneByOne, TARGET_STATUS);
    }

    private static void got(Future<Boolean> each) throws IOException, InterruptedException {
        try {
            each.get();
        } catch (ExecutionException e) {
            throw new IOException(e);
        }
    }
}
