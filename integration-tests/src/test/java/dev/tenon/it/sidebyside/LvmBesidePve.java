package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.lock.Locks;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/** PVE's own LVMPlugin and LvmThinPlugin and the types in Java do the same, in a guest. */
class LvmBesidePve {
    private static final String STORAGE = "side";
    private static final String PERL = "side-perl";
    private static final String JAVA = "side-java";
    private static final boolean IS_LONG = Boolean.getBoolean("tenon.full");
    private static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", IS_LONG ? 250 : 5);
    private static final int WORKERS_PER_LANGUAGE = 2;
    private static final int SHOWN_STEPS = 20;
    private static final int LISTED = 10;
    private static final Locks LOCKS = new Locks(Path.of("/var/lock"), Path.of("/etc/pve"));
    private static final LvmHost HOST =
            new LvmHost(Path.of("/sbin"), Path.of("/dev"), LOCKS, Duration.ofMinutes(5), Duration.ofMinutes(10));

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
        Side perl = perl(scratch, isThin, PERL);
        Side java = java(isThin, JAVA);
        LvmOperations operations = new LvmOperations(new Random(SideBySideTest.SEED), STORAGE, isThin);
        Deque<String> latest = new ArrayDeque<>();
        List<String> refusals = new ArrayList<>();
        for (int step = 1; step <= STEPS; step++) {
            LvmOperations.Next next = operations.next();
            Operation operation = next.operation();
            Answer ofJava = java.call(operation);
            Answer ofPerl = next.refusal() == null ? perl.call(operation) : ofJava;
            latest.add(operation + " " + ofPerl + (ofPerl.equals(ofJava) ? "" : " | java " + ofJava));
            if (latest.size() > SHOWN_STEPS) {
                latest.remove();
            }
            String where = "seed " + SideBySideTest.SEED + ", step " + step + ", the last steps:\n"
                    + String.join("\n", latest) + "\n";
            if (next.refusal() != null) {
                assertThat(ofJava.error()).as(where).contains(next.refusal());
            } else if (ofPerl.error() != null && ofJava.error() != null) {
                if (!Refusals.agree(ofPerl.error(), ofJava.error())) {
                    refusals.add(operation + "\n  perl: " + ofPerl.error() + "\n  java: " + ofJava.error());
                }
            } else {
                assertThat(ofJava).as(where).isEqualTo(ofPerl);
            }
            assertThat(volumes(JAVA)).as(where + "volumes").isEqualTo(volumes(PERL));
            List<Listed> listed = java.list(null);
            if (step % LISTED == 0 || step == STEPS) {
                assertThat(listed).as(where + "the listing").isEqualTo(perl.list(null));
            }
            operations.happened(operation, ofJava, listed);
        }
        assertThat(refusals).as("what is refused otherwise").isEmpty();
        for (Listed volume : java.list(null)) {
            assertThat(java.call(Operation.of("vdisk_free", volume.volid())).error())
                    .isNull();
            assertThat(perl.call(Operation.of("vdisk_free", volume.volid())).error())
                    .isNull();
        }
        assertThat(volumes(JAVA)).as("when all volumes are removed").isEqualTo(volumes(PERL));
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
        JavaSide java = java(isThin, JAVA);
        List<Held> history = new Workers(
                        STORAGE,
                        PerlSide.config(scratch, STORAGE, section(isThin, JAVA), List.of()),
                        java,
                        LOCKS.storage(new StorageId(STORAGE), false),
                        isThin ? List.of("raw") : List.of("raw", "qcow2", "qcow2"),
                        WORKERS_PER_LANGUAGE,
                        Math.max(2, STEPS / (4 * WORKERS_PER_LANGUAGE)))
                .run(scratch);
        Workers.nobodyOverlaps(history);
        Set<String> volumes = new TreeSet<>(Workers.replayed(history).keySet());
        assertThat(Workers.names(java.list(null))).as("what Java lists").isEqualTo(volumes);
        assertThat(Workers.names(perl(scratch, isThin, JAVA).list(null)))
                .as("what Perl lists")
                .isEqualTo(volumes);
        for (String volume : volumes) {
            assertThat(java.call(Operation.of("vdisk_free", STORAGE + ":" + volume))
                            .error())
                    .isNull();
        }
    }
}
