package dev.tenon.it.support;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/** The system calls of a process and its children that move data, as strace sees them. */
public final class Strace implements Closeable {
    private static final String DATA_CALLS = "trace=read,pread64,readv,preadv,preadv2,write,pwrite64,writev,pwritev,"
            + "pwritev2,sendto,sendmsg,sendmmsg,recvfrom,recvmsg,sendfile,splice,tee,vmsplice,copy_file_range,mmap";
    private static final Pattern LINE = Pattern.compile("^(\\d+) +(.*)$");
    private static final Pattern RESUMED = Pattern.compile("^<\\.\\.\\. (\\w+) resumed>(.*)$");
    private static final Pattern CALL = Pattern.compile("^(\\w+)\\((.*)\\) += (-?\\d+|0x[0-9a-f]+|\\?).*$");
    private static final Pattern PATH = Pattern.compile("\\d+<([^>]+)>");
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String UNFINISHED = " <unfinished ...>";

    private final Process process;
    private final Path trace;
    private final Path errors;

    /**
     * A call that was made.
     *
     * @param arguments as strace writes them, descriptors with what is behind them
     * @param result -1 if it failed
     */
    public record Call(String name, String arguments, long result) {
        /** Whether it reads or writes this; a descriptor that is only passed on is not counted. */
        public boolean isAbout(String path) {
            return arguments.contains("<" + path + ">") && !arguments.contains("SCM_RIGHTS");
        }

        /** What is behind its first descriptor; empty if it has none. */
        public String firstPath() {
            Matcher path = PATH.matcher(arguments);
            return path.find() ? path.group(1) : "";
        }
    }

    private Strace(Process process, Path trace, Path errors) {
        this.process = process;
        this.trace = trace;
        this.errors = errors;
    }

    /** Follows a process that runs, and all its threads. */
    public static Strace attach(Scratch scratch, long pid) throws IOException {
        Path trace = Files.createTempFile(scratch.root(), "strace-", ".trace");
        Path errors = Files.createTempFile(scratch.root(), "strace-", ".log");
        Process process = new ProcessBuilder(
                        "strace", "-f", "-y", "-s", "8", "-e", DATA_CALLS, "-o", trace.toString(), "-p", "" + pid)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(errors.toFile())
                .start();
        Strace strace = scratch.closing(new Strace(process, trace, errors));
        Awaitility.await("strace of " + pid)
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .failFast("strace has ended", () -> !process.isAlive())
                .until(() -> Files.readString(errors).contains("attached"));
        return strace;
    }

    /** Lets the process go; its calls until now. */
    public List<Call> end() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("strace does not end: " + Files.readString(errors));
        }
        return calls(trace);
    }

    /** A program that is followed from its beginning. */
    public record Program(Process process, Path trace, Path log) implements Closeable {
        public int awaitEnd() throws InterruptedException {
            if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("the program does not end: " + errors());
            }
            return process.exitValue();
        }

        public String errors() {
            try {
                return Files.readString(log);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        public List<Call> calls() throws IOException {
            return Strace.calls(trace);
        }

        @Override
        public void close() {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /**
     * Starts a program and records calls with all of their bytes, in hexadecimal; descriptors are numbers.
     *
     * @param calls as strace's option {@code -e} wants them
     */
    public static Program recorded(Scratch scratch, String calls, List<String> command) throws IOException {
        Path trace = Files.createTempFile(scratch.root(), "strace-", ".trace");
        Path log = Files.createTempFile(scratch.root(), "program-", ".log");
        List<String> traced = new ArrayList<>(
                List.of("strace", "-f", "-xx", "-s", "3000000", "-e", calls, "-o", trace.toString(), "--"));
        traced.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(traced)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(log.toFile());
        return scratch.closing(new Program(builder.start(), trace, log));
    }

    /** Starts a program whose daemon listens at this socket. */
    public static Program run(Scratch scratch, List<String> command, File output, Path socket) throws IOException {
        Path trace = Files.createTempFile(scratch.root(), "strace-", ".trace");
        Path log = Files.createTempFile(scratch.root(), "program-", ".log");
        List<String> traced = new ArrayList<>(
                List.of("strace", "-f", "-y", "-s", "8", "-e", DATA_CALLS, "-o", trace.toString(), "--"));
        traced.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(traced)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output)
                .redirectError(log.toFile());
        builder.environment().put("TENON_SOCKET", socket.toString());
        return scratch.closing(new Program(builder.start(), trace, log));
    }

    private static List<Call> calls(Path trace) throws IOException {
        List<Call> calls = new ArrayList<>();
        Map<String, String> begun = new HashMap<>();
        for (String line : Files.readAllLines(trace, StandardCharsets.ISO_8859_1)) {
            Matcher whose = LINE.matcher(line);
            if (!whose.matches()) {
                continue;
            }
            String call = whose.group(2);
            if (call.endsWith(UNFINISHED)) {
                begun.put(whose.group(1), call.substring(0, call.length() - UNFINISHED.length()));
                continue;
            }
            Matcher resumed = RESUMED.matcher(call);
            if (resumed.matches()) {
                call = begun.getOrDefault(whose.group(1), resumed.group(1) + "(") + resumed.group(2);
            }
            Matcher parts = CALL.matcher(call);
            if (parts.matches()) {
                calls.add(new Call(parts.group(1), parts.group(2), result(parts.group(3))));
            }
        }
        return calls;
    }

    private static long result(String text) {
        return text.equals("?") ? -1 : Long.decode(text);
    }

    @Override
    public void close() {
        process.destroy();
    }
}
