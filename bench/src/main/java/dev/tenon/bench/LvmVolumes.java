package dev.tenon.bench;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.lvm.LvmHost;
import dev.tenon.core.storage.block.lvm.LvmPlugin;
import dev.tenon.core.storage.block.lvm.LvmThinPlugin;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Measures volumes of LVM, in the guest of {@link Block}: listings beside the command that PVE's plugin runs for one, exports
 * of a thin volume beside its {@code dd}, and the status of many storages beside one after the other.
 */
final class LvmVolumes {
    private static final String GROUP = "bench";
    private static final String POOL = "data";
    private static final int VOLUMES = 200;
    private static final int STORAGES = 10;
    private static final int WRITTEN_MIB = 200;
    private static final VolumeName LARGE = new VolumeName("vm-999-disk-0");
    private static final Map<String, Object> IMAGES = Map.of("images", "1");
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private static final double TARGET_LIST = 1;
    private static final double TARGET_EXPORT = 8;

    /** What PVE's plugin runs to list volumes. */
    private static final List<String> PVE_LIST = List.of(
            "/sbin/lvs",
            "--separator",
            ":",
            "--noheadings",
            "--units",
            "b",
            "--unbuffered",
            "--nosuffix",
            "--config",
            "report/time_format=\"%s\"",
            "--options",
            "vg_name,lv_name,lv_size,lv_attr,pool_lv,data_percent,metadata_percent,snap_percent,uuid,tags,metadata_size,time");

    private final Report report = new Report(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    private final LvmHost host = host(Path.of("/sbin"));
    private final Storage thin = thin("thin");
    private final int rounds;

    private LvmVolumes(int rounds) {
        this.rounds = rounds;
    }

    public static void main(String[] arguments) throws Exception {
        LvmVolumes measured = new LvmVolumes(Integer.parseInt(arguments[0]));
        measured.prepare();
        measured.lists();
        measured.commands();
        Asked.atOnce(measured.report, measured.rounds, storages(measured.host));
        measured.exports();
    }

    private static LvmHost host(Path programs) {
        return new LvmHost(programs, Path.of("/dev"), Locks.ofHost(), LIMIT, LIMIT);
    }

    private static Storage thin(String id) {
        return Storage.of(id, "lvmthin", Map.of("vgname", GROUP, "thinpool", POOL, "content", IMAGES));
    }

    private static Storage thick(String id) {
        return Storage.of(id, "lvm", Map.of("vgname", GROUP, "content", IMAGES));
    }

    private void prepare() throws IOException, InterruptedException {
        Host.run("pvcreate", "-q", "/dev/ubda");
        Host.run("vgcreate", "-q", GROUP, "/dev/ubda");
        Host.run("lvcreate", "-q", "-L", "8g", "-T", GROUP + "/" + POOL);
        // One process for all.
        Process lvm = new ProcessBuilder("lvm")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (OutputStream input = lvm.getOutputStream()) {
            for (int i = 0; i < VOLUMES; i++) {
                String name = "vm-" + (100 + i / 4) + "-disk-" + i % 4;
                input.write(("lvcreate -q -an -V 4m --name " + name + " --thinpool " + GROUP + "/" + POOL + "\n")
                        .getBytes(StandardCharsets.UTF_8));
            }
        }
        lvm.waitFor();
    }

    // ---- listings

    private void lists() throws IOException, InterruptedException {
        LvmThinPlugin plugin = new LvmThinPlugin(host);
        Turns ours = new Turns();
        Turns command = new Turns();
        Turns.take(
                Turns.CLOSE * rounds,
                List.of(ours, command),
                Asked.timed(ours, () -> list(plugin, VOLUMES)),
                Asked.timed(command, () -> Asked.run(PVE_LIST)));
        ours.report(report, "list of " + VOLUMES + " thin volumes");
        ours.beside(report, "the lvs of PVE's plugin alone", command, TARGET_LIST);
        Host.run("lvcreate", "-q", "-an", "-V", "4m", "--name", "vm-998-disk-0", "--thinpool", GROUP + "/" + POOL);
        list(plugin, VOLUMES + 1);
        report.line("a volume that lvcreate has made is seen by the next list");
    }

    private void list(StoragePlugin plugin, int count) throws IOException {
        int listed = plugin.listImages(thin, ImageFilter.all(), OperationCache.create())
                .size();
        if (listed != count) {
            throw new IOException(listed + " volumes were listed, and there are " + count);
        }
    }

    private void commands() throws IOException {
        Path programs = Asked.counting("lvs", "vgs");
        LvmHost counted = host(programs);
        list(new LvmThinPlugin(counted), VOLUMES + 1);
        Asked.counted(report, programs, "to list " + VOLUMES + " volumes", 1);
        OperationCache cache = OperationCache.create();
        for (Asked each : storages(counted)) {
            each.active(cache);
        }
        Asked.counted(report, programs, "for the status of " + STORAGES + " storages of both types", 2);
    }

    // ---- status

    private static List<Asked> storages(LvmHost host) {
        StoragePlugin thick = new LvmPlugin(host);
        StoragePlugin thin = new LvmThinPlugin(host);
        return IntStream.range(0, STORAGES)
                .mapToObj(i -> i % 2 == 0 ? new Asked(thick, thick("s" + i)) : new Asked(thin, thin("s" + i)))
                .toList();
    }

    // ---- exports

    private void exports() throws IOException, InterruptedException {
        Host.run("lvcreate", "-q", "-aly", "-V", "4g", "--name", LARGE.value(), "--thinpool", GROUP + "/" + POOL);
        String device = "/dev/" + GROUP + "/" + LARGE;
        // In pieces, as a guest's file system writes them.
        int piece = 4;
        for (int i = 0; i < WRITTEN_MIB / piece; i++) {
            Host.run(
                    "dd",
                    "if=/dev/urandom",
                    "of=" + device,
                    "bs=1M",
                    "count=" + piece,
                    "seek=" + i * 4096 / (WRITTEN_MIB / piece),
                    "oflag=direct",
                    "status=none");
        }
        LvmThinPlugin plugin = new LvmThinPlugin(host);
        for (boolean isPipe : new boolean[] {false, true}) {
            Turns ours = new Turns();
            Turns dd = new Turns();
            Turns.take(
                    rounds,
                    List.of(ours, dd),
                    Asked.timed(ours, () -> export(plugin, isPipe)),
                    Asked.timed(
                            dd,
                            () -> Asked.run(List.of(
                                    "sh",
                                    "-c",
                                    "dd if=\"$0\" bs=64k status=none" + (isPipe ? " | cat" : "") + " >/dev/null",
                                    device))));
            ours.report(report, "export of 4 GiB, " + WRITTEN_MIB + " MiB written, " + (isPipe ? "by a pipe" : "read"));
            ours.beside(report, "dd bs=64k", dd, TARGET_EXPORT);
        }
    }

    private void export(StoragePlugin plugin, boolean isPipe) throws IOException, InterruptedException {
        Path target = Path.of("/dev/null");
        Process reader = null;
        if (isPipe) {
            target = Files.createTempDirectory("pipe-").resolve("pipe");
            Host.run("mkfifo", target.toString());
            reader = new ProcessBuilder("cat", target.toString())
                    .redirectOutput(new File("/dev/null"))
                    .start();
        }
        try (Descriptor descriptor = Descriptor.openForWriting(target);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL)) {
            plugin.exportVolume(thin, LARGE, "raw+size", new Transfer(null, null, false), export);
        }
        if (reader != null && reader.waitFor() != 0) {
            throw new IOException("cat failed");
        }
    }
}
