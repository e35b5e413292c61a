package dev.tenon.core.backup.host;

import dev.tenon.core.command.Companion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A process that only holds namespaces, in which the ids of an unprivileged container count from 0. */
final class IdNamespace implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** How many ids a container has. */
    private static final long IDS = 65536;

    private final Companion program;
    private final long process;

    private IdNamespace(Companion program, long process) {
        this.program = program;
        this.process = process;
    }

    /** Shows the files where everybody may go in a mount namespace of its own, and then begins one of users in it. */
    private static final String SCRIPT = """
            mount --rbind "$1" "$2" &&
            exec unshare --user --mount sh -c 'echo $$ >"$1"; exec sleep infinity' sh "$3"
            """;

    /** Where the files are, in the namespaces. */
    static final Path PLACE = Path.of("/mnt");

    /**
     * Makes one; only root can.
     *
     * @param root the container's files
     * @param rootId the host's user and group id of the container's root
     */
    static IdNamespace make(WorkDirectory work, Path root, long rootId) throws IOException {
        Path told = work.resolve("namespace");
        Companion program = Companion.start(
                List.of(
                        "unshare",
                        "--mount",
                        "--propagation=slave",
                        "sh",
                        "-c",
                        SCRIPT,
                        "sh",
                        root.toString(),
                        PLACE.toString(),
                        told.toString()),
                work.resolve("namespace.log"));
        try {
            program.awaitReady(() -> isTold(told), LIMIT);
            long process = Long.parseLong(Files.readString(told).strip());
            byte[] map = ("0 " + rootId + " " + IDS + "\n").getBytes(StandardCharsets.US_ASCII);
            for (String kind : List.of("uid_map", "gid_map")) {
                Files.write(Path.of("/proc", Long.toString(process), kind), map);
            }
            return new IdNamespace(program, process);
        } catch (IOException | RuntimeException e) {
            program.close();
            throw e;
        }
    }

    private static boolean isTold(Path file) {
        try {
            return Files.readString(file).endsWith("\n");
        } catch (IOException e) {
            return false;
        }
    }

    /** The process. */
    long process() {
        return process;
    }

    @Override
    public void close() {
        program.close();
    }
}
