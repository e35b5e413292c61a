package dev.tenon.core.backup.host;

import dev.tenon.core.command.Command;
import dev.tenon.core.command.Companion;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processes that only hold namespaces, of the kind that PVE's worker and its child have: in the first one an unprivileged
 * container's files are mounted, and root is the host's; in the second one, which begins with what is mounted in the first
 * by then, ids count as in the container.
 */
final class ContainerNamespaces implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ContainerNamespaces.class);
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** How many ids a container has. */
    private static final long IDS = 65536;

    /**
     * Where the files are, in the namespaces: where PVE has them, and where no storage is mounted. The directory stays
     * behind, as PVE leaves it, since several backups may use it.
     */
    static final Path PLACE = Path.of("/mnt/vzsnap0");

    private static final String WORKER = """
            mount --rbind "$1" "$2" && echo $$ >"$3" && exec sleep infinity
            """;

    private static final String READER = """
            echo $$ >"$1"; exec sleep infinity
            """;

    private final WorkDirectory work;
    private final long rootId;
    private final Holder worker;
    private @Nullable Holder reader;

    private record Holder(Companion program, long process) {}

    private ContainerNamespaces(WorkDirectory work, long rootId, Holder worker) {
        this.work = work;
        this.rootId = rootId;
        this.worker = worker;
    }

    /**
     * Makes the first one; only root can.
     *
     * @param root the container's files
     * @param rootId the host's user and group id of the container's root
     */
    static ContainerNamespaces make(WorkDirectory work, Path root, long rootId) throws IOException {
        Files.createDirectories(PLACE);
        Path told = work.resolve("namespace-worker");
        Holder worker = hold(
                work,
                told,
                "unshare",
                "--mount",
                "--propagation=slave",
                "sh",
                "-c",
                WORKER,
                "sh",
                root.toString(),
                PLACE.toString(),
                told.toString());
        return new ContainerNamespaces(work, rootId, worker);
    }

    private static Holder hold(WorkDirectory work, Path told, String... command) throws IOException {
        Companion program = Companion.start(List.of(command), work.resolve("namespace.log"));
        try {
            program.awaitReady(() -> isTold(told), LIMIT);
            return new Holder(program, Long.parseLong(Files.readString(told).strip()));
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

    private String mounts() {
        return "--mount=/proc/" + worker.process() + "/ns/mnt";
    }

    /** The process of the first one. */
    long worker() {
        return worker.process();
    }

    /** Makes the second one, and answers its process. */
    long reader() throws IOException {
        Path told = work.resolve("namespace-reader");
        Holder made = hold(
                work,
                told,
                "nsenter",
                mounts(),
                "unshare",
                "--user",
                "--mount",
                "sh",
                "-c",
                READER,
                "sh",
                told.toString());
        reader = made;
        byte[] map = ("0 " + rootId + " " + IDS + "\n").getBytes(StandardCharsets.US_ASCII);
        for (String kind : List.of("uid_map", "gid_map")) {
            Files.write(Path.of("/proc", Long.toString(made.process()), kind), map);
        }
        return made.process();
    }

    /** The provider may still be in the first one, which must not keep the container's files from being unmounted. */
    @Override
    public void close() {
        if (reader != null) {
            reader.program().close();
        }
        try {
            Command.of("nsenter", mounts(), "umount", "--lazy", PLACE.toString())
                    .run();
        } catch (StorageException e) {
            LOG.debug("event=container-files-stay-mounted reason=\"{}\"", e.getMessage());
        }
        worker.program().close();
    }
}
