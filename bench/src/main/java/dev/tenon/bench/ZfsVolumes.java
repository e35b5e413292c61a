package dev.tenon.bench;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.block.zfs.ZfsHost;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measures volumes of ZFS, in the guest of {@link Block}: listings beside the command that PVE's plugin runs for one, and beside
 * that plugin itself where {@code TENON_PVE_LIB} says where it is; and the status of many storages beside one after the other.
 */
final class ZfsVolumes {
    private static final String POOL = "bench";
    private static final int VOLUMES = 200;
    private static final int STORAGES = 10;
    private static final Map<String, Object> IMAGES = Map.of("images", "1");
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final double TARGET_LIST = 1;

    /** What PVE's plugin runs to list volumes. */
    private static final List<String> PVE_LIST = List.of(
            "/sbin/zfs",
            "list",
            "-o",
            "name,volsize,origin,type,refquota",
            "-t",
            "volume,filesystem",
            "-d1",
            "-Hp",
            POOL);

    private static final String PVE_PLUGIN = """
        use PVE::Storage; use PVE::Storage::ZFSPoolPlugin; $| = 1;
        while (<STDIN>) {
            my $all = PVE::Storage::ZFSPoolPlugin->list_images('s', { pool => $ARGV[0], type => 'zfspool' }, undef, undef, {});
            print scalar(@$all), "\\n";
        }
        """;

    private final Report report = new Report(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    private final int rounds;
    private int volumes = VOLUMES;

    private ZfsVolumes(int rounds) {
        this.rounds = rounds;
    }

    /** Arguments: how many rounds, and the directories in which Perl looks for PVE's plugin and for what that needs. */
    public static void main(String[] arguments) throws Exception {
        ZfsVolumes measured = new ZfsVolumes(Integer.parseInt(arguments[0]));
        measured.prepare();
        measured.lists(List.of(arguments).subList(1, arguments.length));
        measured.commands();
        Asked.atOnce(measured.report, measured.rounds, storages(host(Path.of("/sbin"))));
    }

    private static ZfsHost host(Path programs) {
        return new ZfsHost(
                programs, Path.of("/dev/zvol"), Path.of("/proc/mounts"), Locks.ofHost(), LIMIT, LIMIT, LIMIT);
    }

    private static Storage storage(String id) {
        return Storage.of(id, "zfspool", Map.of("pool", POOL, "content", IMAGES));
    }

    private static List<Asked> storages(ZfsHost host) {
        StoragePlugin plugin = new ZfsPoolPlugin(host);
        return IntStream.range(0, STORAGES)
                .mapToObj(i -> new Asked(plugin, storage("s" + i)))
                .toList();
    }

    /** No volume has a device, which would take this guest longer than all the rest. */
    private void prepare() throws IOException, InterruptedException {
        Host.run("truncate", "-s", "4G", "/tmp/pool");
        Host.run("zpool", "create", "-O", "volmode=none", POOL, "/tmp/pool");
        for (int i = 0; i < VOLUMES; i++) {
            Host.run("zfs", "create", "-s", "-V", "4m", POOL + "/vm-" + (100 + i / 4) + "-disk-" + i % 4);
        }
    }

    // ---- listings

    private void lists(List<String> libraries) throws IOException, InterruptedException {
        StoragePlugin plugin = new ZfsPoolPlugin(host(Path.of("/sbin")));
        Turns ours = new Turns();
        Turns command = new Turns();
        Turns perl = new Turns();
        List<Turns> results = new ArrayList<>(List.of(ours, command));
        List<Turns.Turn> turns = new ArrayList<>(
                List.of(Asked.timed(ours, () -> list(plugin)), Asked.timed(command, () -> Asked.run(PVE_LIST))));
        Process program = libraries.isEmpty() ? null : perl(libraries);
        try {
            if (program != null) {
                BufferedWriter input = program.outputWriter(StandardCharsets.UTF_8);
                BufferedReader output = program.inputReader(StandardCharsets.UTF_8);
                results.add(perl);
                turns.add(Asked.timed(perl, () -> listByPerl(input, output)));
            }
            Turns.take(Turns.CLOSE * rounds, results, turns.toArray(Turns.Turn[]::new));
        } finally {
            if (program != null) {
                program.destroy();
            }
        }
        ours.report(report, "list of " + VOLUMES + " zvols");
        ours.beside(report, "the zfs list of PVE's plugin alone", command, TARGET_LIST);
        if (program != null) {
            ours.beside(report, "PVE's plugin, in a Perl that runs", perl, TARGET_LIST);
        }
        Host.run("zfs", "create", "-s", "-V", "4m", POOL + "/vm-998-disk-0");
        volumes++;
        list(plugin);
        report.line("a volume that zfs create has made is seen by the next list");
    }

    private static Process perl(List<String> libraries) throws IOException {
        List<String> words = new ArrayList<>(List.of("perl"));
        libraries.forEach(library -> words.add("-I" + library));
        words.addAll(List.of("-e", PVE_PLUGIN, POOL));
        return new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private void listByPerl(BufferedWriter input, BufferedReader output) throws IOException {
        input.write("\n");
        input.flush();
        same(output.readLine());
    }

    private void list(StoragePlugin plugin) throws IOException {
        same(Integer.toString(plugin.listImages(storage("s"), ImageFilter.all(), OperationCache.create())
                .size()));
    }

    private void same(@Nullable String listed) throws IOException {
        if (!Integer.toString(volumes).equals(listed)) {
            throw new IOException(listed + " volumes were listed, and there are " + volumes);
        }
    }

    private void commands() throws IOException {
        Path programs = Asked.counting("zfs", "zpool");
        ZfsHost counted = host(programs);
        list(new ZfsPoolPlugin(counted));
        Asked.counted(report, programs, "to list " + VOLUMES + " volumes", 1);
        OperationCache cache = OperationCache.create();
        for (Asked each : storages(counted)) {
            each.active(cache);
        }
        Asked.counted(report, programs, "for the status of " + STORAGES + " storages", 1);
    }
}
