package dev.tenon.it.sidebyside;

import static dev.tenon.it.sidebyside.PoolComparison.IS_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.block.lvm.LvmHost;
import dev.tenon.core.storage.block.lvm.LvmPlugin;
import dev.tenon.core.storage.block.lvm.LvmThinPlugin;
import dev.tenon.it.block.Lab;
import dev.tenon.it.support.Scratch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/** PVE's own LVMPlugin and LvmThinPlugin and the types in Java do the same, in a guest. */
class LvmBesidePve {
    private static final String STORAGE = "side";
    private static final String PERL = "side-perl";
    private static final String JAVA = "side-java";
    private static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", IS_LONG ? 250 : 5);
    private static final LvmHost HOST = new LvmHost(
            Path.of("/sbin"), Path.of("/dev"), PoolComparison.LOCKS, Duration.ofMinutes(5), Duration.ofMinutes(10));

    @Test
    void volumesOfAThinPool(Scratch scratch) {
        compare(scratch, true);
    }

    @Test
    void chainsOfVolumes(Scratch scratch) {
        requireLongRun();
        compare(scratch, false);
    }

    @Test
    void bothInOneThinPool(Scratch scratch) throws InterruptedException, ExecutionException {
        mix(scratch, true);
    }

    @Test
    void bothInOneGroup(Scratch scratch) throws InterruptedException, ExecutionException {
        mix(scratch, false);
    }

    private static void requireLongRun() {
        assumeTrue(IS_LONG, "this takes long, and runs in bin/verify full");
    }

    private static Map<String, Object> section(boolean isThin, String group) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", isThin ? "lvmthin" : "lvm");
        section.put("vgname", group);
        section.put("content", Map.of("images", 1));
        section.put(isThin ? "thinpool" : "snapshot-as-volume-chain", isThin ? Lab.POOL : "1");
        return section;
    }

    private static JavaSide java(boolean isThin, String group) {
        StoragePlugin plugin = isThin ? new LvmThinPlugin(HOST) : new LvmPlugin(HOST);
        Map<String, Object> section = new LinkedHashMap<>(section(isThin, group));
        section.put("content", Map.of("images", "1"));
        section.remove("type");
        return new JavaSide(plugin, Storage.of(STORAGE, plugin.type(), section), Path.of("/dev", group));
    }

    private static PerlSide perl(Scratch scratch, boolean isThin, String group) {
        String config = PerlSide.config(scratch, STORAGE, section(isThin, group), List.of());
        return PerlSide.start(scratch, STORAGE, Path.of("/dev", group), config);
    }

    /** With nothing of another test that failed. */
    private static void prepare(String group, String disk) {
        Lab.prepare(group, disk);
        for (String name : volumes(group).keySet()) {
            if (!name.equals(Lab.POOL)) {
                Lab.run("lvremove", "-q", "-f", group + "/" + name);
            }
        }
    }

    private static void compare(Scratch scratch, boolean isThin) {
        prepare(PERL, "/dev/ubda");
        prepare(JAVA, "/dev/ubdb");
        PoolComparison.compare(
                perl(scratch, isThin, PERL),
                java(isThin, JAVA),
                PERL,
                JAVA,
                new LvmOperations(new Random(SideBySideTest.SEED), STORAGE, isThin),
                STEPS,
                LvmBesidePve::volumes);
    }

    /** What LVM says of each volume of a group. */
    private static Map<String, String> volumes(String group) {
        Map<String, String> volumes = new TreeMap<>();
        Lab.run(
                        "lvs",
                        "--noheadings",
                        "--separator",
                        " ",
                        "-o",
                        "lv_name,lv_attr,lv_size,lv_tags,pool_lv,origin,lv_autoactivation,lv_skip_activation",
                        group)
                .lines()
                .map(String::strip)
                .forEach(line -> volumes.put(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' '))));
        return volumes;
    }

    private static void mix(Scratch scratch, boolean isThin) throws InterruptedException, ExecutionException {
        requireLongRun();
        prepare(JAVA, "/dev/ubdb");
        PoolComparison.mix(
                scratch,
                STORAGE,
                PerlSide.config(scratch, STORAGE, section(isThin, JAVA), List.of()),
                java(isThin, JAVA),
                PoolComparison.LOCKS.storage(new StorageId(STORAGE), false),
                isThin ? List.of("raw") : List.of("raw", "qcow2", "qcow2"),
                STEPS);
    }
}
