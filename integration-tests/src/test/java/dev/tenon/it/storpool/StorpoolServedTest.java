package dev.tenon.it.storpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.storpool.StorpoolPlugin;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A PVE host and the commands use the type as they use all others. */
class StorpoolServedTest {
    private static final Map<String, Object> SECTION =
            Map.of("type", "storpool", "template", StorpoolLab.TEMPLATE, "content", Map.of("images", 1), "shared", 1);

    /** Where the programs find the one that tells the settings. */
    private static Map<String, String> path(StorpoolLab lab) {
        Path program = lab.confget(StorpoolLab.FIRST, Map.of());
        return Map.of("PATH", program.getParent() + ":" + System.getenv("PATH"));
    }

    @Test
    void perlCallsIt(Scratch scratch) {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        DaemonProcess.startBy(scratch, List.of("env", "PATH=" + path(lab).get("PATH")));
        PerlCaller perl = PerlCaller.start(scratch).calling("storpool");
        String disk = String.valueOf(perl.scalar("alloc_image", "sp", SECTION, 100, "raw", null, 1024)
                .value());
        assertThat(disk).isEqualTo("vm-100-disk-0-sp-a.b.1.raw");
        List<?> parsed = perl.list("parse_volname", disk).list();
        assertThat(parsed.subList(0, 5)).isEqualTo(Arrays.asList("images", disk, "100", null, null));
        assertThat(parsed.get(5)).as("whether it is a base").isIn(null, "0");
        assertThat(parsed.get(6)).isEqualTo("raw");
        assertThat(perl.list("path", SECTION, disk, "sp").list())
                .isEqualTo(List.of("/dev/storpool-byid/a.b.1", "100", "images"));
        assertThat(perl.scalar("list_images", "sp", SECTION, null, null, PerlCaller.cache("one"))
                        .list())
                .singleElement()
                .satisfies(image -> assertThat(((Map<?, ?>) image).get("volid")).isEqualTo("sp:" + disk))
                .satisfies(image -> assertThat(((Map<?, ?>) image).get("size")).hasToString("1048576"));
        assertThat(perl.list("status", "sp", SECTION, PerlCaller.cache("one")).list())
                .hasToString("[" + Cluster.CAPACITY + ", " + (Cluster.CAPACITY - 1048576) + ", 1048576, 1]");
        perl.nothing("volume_snapshot", SECTION, "sp", disk, "before").value();
        assertThat(perl.nothing("volume_snapshot", SECTION, "sp", disk, "Before")
                        .died())
                .contains("no snapshot in StorPool can be called 'Before'");
        assertThat(lab.emulator().cluster().objects()).hasSize(2);
        perl.nothing("free_image", "sp", SECTION, disk, 0, "raw").value();
        assertThat(lab.emulator().cluster().objects()).isEmpty();
    }

    /** PVE parses names where there is no daemon. */
    @Test
    void theClassForPveTellsNamesByItself(Scratch scratch) throws IOException {
        Path file = scratch.file("TenonStorpool.pm");
        assertThat(TenonCommand.run(scratch, "proxy", "storpool", "--output", file.toString())
                        .status())
                .isZero();
        PerlProgram perl =
                PerlProgram.start(scratch, List.of(), Installation.resource("perl/parse-names.pl"), file.toString());
        StorpoolPlugin plugin = new StorpoolPlugin();
        for (String name : List.of(
                "vm-100-disk-0-sp-b.c.4fx.raw",
                "base-100-disk-12-sp-b.c.4fx.raw",
                "snap-100-disk-0-a-p-b.c.1-p-b.c.2-sp-b.c.3.raw",
                "snap-100-state-before-sp-b.c.51.raw",
                "img-debian12-sp-b.c.9.raw",
                "a-sp-x.y.z-sp-b.c.9.iso",
                "vm-100-cloudinit.raw",
                "vm-99-disk-0-sp-b.c.4fx.raw",
                "snap-100-disk-0-Upper-p-b.c.1-sp-b.c.3.raw",
                "100/vm-100-disk-0.raw")) {
            perl.say(name);
            assertThat(perl.line()).isEqualTo(parsed(plugin, name));
        }
    }

    private static String parsed(StorpoolPlugin plugin, String name) {
        try {
            ParsedVolume parsed = plugin.parseVolname(new VolumeName(name));
            boolean isBase = parsed instanceof ParsedVolume.GuestImage image && image.isBase();
            String owner = parsed.owner() == null ? "" : String.valueOf(parsed.owner());
            return String.join(" ", parsed.type().word(), parsed.name(), owner, isBase ? "1" : "", "raw");
        } catch (StorageException e) {
            return "none";
        }
    }

    @Test
    void aStorageIsAddedAndUsedByCommands(Scratch scratch) {
        StorpoolLab lab = StorpoolLab.start(scratch, "lab");
        assertThat(said(lab, scratch, "storage", "add", "storpool", "sp", "--template", "hybrid", "--shared", "1"))
                .isEmpty();
        assertThat(said(lab, scratch, "volume", "alloc", "sp", "--vmid", "100", "--size", "8M"))
                .isEqualTo("sp:vm-100-disk-0-sp-a.b.1.raw");
        assertThat(said(lab, scratch, "volume", "list", "sp")).contains("sp:vm-100-disk-0-sp-a.b.1.raw", "8.00 MiB");
        assertThat(said(lab, scratch, "storage", "status", "sp")).contains("storpool", "active");
    }

    private static String said(StorpoolLab lab, Scratch scratch, String... words) {
        String[] all = Arrays.copyOf(words, words.length + 4);
        List<String> options = List.of(
                "--config",
                scratch.file("storage.cfg").toString(),
                "--journal",
                scratch.file("journal").toString());
        for (int i = 0; i < options.size(); i++) {
            all[words.length + i] = options.get(i);
        }
        TenonCommand command = TenonCommand.runProcess(scratch, new File("/dev/null"), path(lab), all);
        assertThat(command.status()).as(command.errors()).isZero();
        return command.said().strip();
    }
}
