package dev.tenon.bench;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Measures images of a cluster, in a process of {@link Block} that has its library: listings beside {@code rbd ls -l}, exports beside {@code rbd export}. */
final class RbdImages {
    private static final int IMAGES = 2000;
    private static final int WRITTEN_MIB = 200;
    private static final VolumeName LARGE = new VolumeName("vm-998-disk-0");
    private static final double TARGET_LIST = 3;
    private static final double TARGET_EXPORT = 1.5;
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final Report report = new Report(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    private final Path programs;
    private final Path etc;
    private final RbdPlugin plugin;
    private final Storage storage;

    private RbdImages(Path programs, Path etc, String monitor) {
        this.programs = programs;
        this.etc = etc;
        plugin = new RbdPlugin(new RbdHost(
                programs, etc, Path.of("/dev"), Path.of("/sys/devices/rbd"), true, new Locks(etc, null), LIMIT, LIMIT));
        storage = Storage.of("bench", "rbd", Map.of("monhost", monitor, "content", "images"));
    }

    /** With the directory of Ceph's programs, a monitor, and how many rounds. */
    public static void main(String[] arguments) throws Exception {
        Path etc = Files.createTempDirectory("tenon-bench-");
        try {
            RbdImages measured = new RbdImages(Path.of(arguments[0]), etc, arguments[1]);
            measured.prepare();
            measured.lists(Integer.parseInt(arguments[2]));
            measured.exports(Integer.parseInt(arguments[2]));
        } finally {
            Scratch.remove(etc);
        }
    }

    /** One process for all: a command for each takes minutes. */
    private static final String CREATE = """
        import rados, rbd, sys
        with rados.Rados(conffile='') as cluster, cluster.open_ioctx('rbd') as pool:
            for number in range(int(sys.argv[1])):
                rbd.RBD().create(pool, 'vm-100-disk-%d' % number, 4 << 20, old_format=False)
        """;

    private void prepare() throws IOException {
        Path modules = programs.resolveSibling("root/usr/lib/python3/dist-packages");
        Host.run("env", "PYTHONPATH=" + modules, "python3", "-c", CREATE, Integer.toString(IMAGES));
    }

    private void lists(int rounds) throws IOException, InterruptedException {
        Turns ours = new Turns();
        Turns command = new Turns();
        list(IMAGES);
        Turns.take(
                rounds, List.of(ours, command), timed(ours, () -> list(IMAGES)), timed(command, this::listByCommand));
        ours.report(report, "list of " + IMAGES + " images with sizes");
        ours.beside(report, "rbd ls -l", command, TARGET_LIST);
        Host.run(programs.resolve("rbd").toString(), "create", "--size", "4", "vm-999-disk-0");
        list(IMAGES + 1);
        report.line("an image that rbd has made is seen by the next list");
    }

    private void list(int count) throws IOException {
        int listed = plugin.listImages(storage, ImageFilter.all(), OperationCache.create())
                .size();
        if (listed != count) {
            throw new IOException(listed + " images were listed, and there are " + count);
        }
    }

    private void listByCommand() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(programs.resolve("rbd").toString(), "ls", "-l", "--format", "json")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        process.getInputStream().readAllBytes();
        if (process.waitFor() != 0) {
            throw new IOException("rbd ls -l failed");
        }
    }

    /** Into a pipe, as PVE's plugin lets it write. */
    private void exports(int rounds) throws IOException, InterruptedException {
        String rbd = programs.resolve("rbd").toString();
        Host.run(rbd, "create", "--size", "4G", LARGE.value());
        // In pieces, as a guest's file system writes them.
        Host.run(
                rbd,
                "bench",
                "--io-type",
                "write",
                "--io-pattern",
                "rand",
                "--io-size",
                "4M",
                "--io-total",
                WRITTEN_MIB + "M",
                LARGE.value());
        Turns ours = new Turns();
        Turns command = new Turns();
        Turns.take(
                rounds,
                List.of(ours, command),
                timed(ours, this::export),
                timed(
                        command,
                        () -> Host.run(
                                "sh",
                                "-c",
                                "\"$0\" export --no-progress --export-format 1 \"$1\" - | cat >/dev/null",
                                rbd,
                                LARGE.value())));
        ours.report(report, "export of 4 GiB, " + WRITTEN_MIB + " MiB written, by a pipe");
        ours.beside(report, "rbd export", command, TARGET_EXPORT);
    }

    private void export() throws IOException, InterruptedException {
        Path pipe = Files.createTempDirectory(etc, "pipe-").resolve("pipe");
        Host.run("mkfifo", pipe.toString());
        Process reader = new ProcessBuilder("cat", pipe.toString())
                .redirectOutput(new File("/dev/null"))
                .start();
        try (Descriptor descriptor = Descriptor.openForWriting(pipe);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(storage, LARGE, "raw+size", new Transfer(null, null, false), export);
        }
        if (reader.waitFor() != 0) {
            throw new IOException("cat failed");
        }
    }

    private static Turns.Turn timed(Turns turns, Turns.Turn work) {
        return () -> {
            long begin = System.nanoTime();
            work.take();
            turns.add((double) (System.nanoTime() - begin), 0);
        };
    }
}
