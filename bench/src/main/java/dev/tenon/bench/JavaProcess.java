package dev.tenon.bench;

import dev.tenon.cli.Tenon;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM of its own that listens on sockets, and what it needs of the machine. */
final class JavaProcess implements AutoCloseable {
    private static final long KIB = 1024;
    /** Sets the kernel's VmHWM back to VmRSS. */
    private static final String FORGET_MOST = "5";

    private final dev.tenon.host.JavaProcess process;

    private JavaProcess(dev.tenon.host.JavaProcess process) {
        this.process = process;
    }

    /** Starts a class and waits until all the sockets answer. */
    static JavaProcess start(Class<?> main, List<String> arguments, List<Path> sockets, Path log)
            throws IOException, InterruptedException {
        return new JavaProcess(dev.tenon.host.JavaProcess.start(main, arguments, sockets, log));
    }

    /** Starts a daemon with a journal of its own and these plugins, which adopts nothing. */
    static JavaProcess daemon(Scratch scratch, Path control, Path... plugins) throws IOException, InterruptedException {
        List<String> options = new ArrayList<>();
        for (Path plugin : plugins) {
            options.addAll(List.of("--plugin", plugin.toString()));
        }
        return daemonWith(scratch, control, options);
    }

    /** The same with these options. */
    static JavaProcess daemonWith(Scratch scratch, Path control, List<String> options)
            throws IOException, InterruptedException {
        String name = String.valueOf(control.getFileName()).replaceFirst("\\.sock$", "");
        List<String> arguments = new ArrayList<>(List.of(
                "serve",
                "--socket",
                control.toString(),
                "--journal",
                scratch.file(name + ".journal").toString(),
                "--adopted",
                scratch.file("nothing").toString()));
        arguments.addAll(options);
        return start(Tenon.class, arguments, List.of(control), scratch.file(name + ".log"));
    }

    long pid() {
        return process.pid();
    }

    /** Bytes of memory that the process has resident. */
    long resident() throws IOException {
        return memory("VmRSS:");
    }

    /** The most that was resident since {@link #forgetMostResident}. */
    long mostResident() throws IOException {
        return memory("VmHWM:");
    }

    void forgetMostResident() throws IOException {
        Files.writeString(Path.of("/proc", Long.toString(pid()), "clear_refs"), FORGET_MOST);
    }

    /** How often its threads have given up the processor to wait for something. */
    long voluntarySwitches() throws IOException {
        long sum = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(pid()), "task"))) {
            for (Path thread : threads) {
                for (String line : Files.readAllLines(thread.resolve("status"))) {
                    if (line.startsWith("voluntary_ctxt_switches:")) {
                        sum += Long.parseLong(line.replaceAll("\\D", ""));
                    }
                }
            }
        }
        return sum;
    }

    private long memory(String what) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status"))) {
            if (line.startsWith(what)) {
                return Long.parseLong(line.replaceAll("\\D", "")) * KIB;
            }
        }
        throw new IOException("the process " + pid() + " has ended");
    }

    @Override
    public void close() {
        process.close();
    }
}
