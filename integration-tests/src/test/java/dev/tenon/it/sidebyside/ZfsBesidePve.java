package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.block.zfs.ZfsHost;
import dev.tenon.core.storage.block.zfs.ZfsPoolPlugin;
import dev.tenon.it.block.Lab;
import dev.tenon.it.block.ZfsLab;
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
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/** PVE's own ZFSPoolPlugin and the type in Java do the same, in a guest. */
class ZfsBesidePve {
    private static final String STORAGE = "side";
    private static final String PERL = "sideperl";
    private static final String JAVA = "sidejava";
    private static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", 250);
    private static final int WORKERS_PER_LANGUAGE = 2;
    private static final int SHOWN_STEPS = 20;
    private static final int LISTED = 10;
    private static final Locks LOCKS = new Locks(Path.of("/var/lock"), Path.of("/etc/pve"));

    private static final ZfsHost HOST = new ZfsHost(
            ZfsLab.HOST.programs(),
            ZfsLab.HOST.volumes(),
            ZfsLab.HOST.mounts(),
            LOCKS,
            ZfsLab.HOST.read(),
            ZfsLab.HOST.change(),
            Duration.ofMinutes(1));

    private static Map<String, Object> section(String pool) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", "zfspool");
        section.put("pool", pool);
        section.put("sparse", 1);
        section.put("content", Map.of("images", 1, "rootdir", 1));
        return section;
    }

    private static JavaSide java() {
        Map<String, Object> section = new LinkedHashMap<>(section(JAVA));
        section.put("content", Map.of("images", "1", "rootdir", "1"));
        section.put("sparse", "1");
        section.remove("type");
        return new JavaSide(new ZfsPoolPlugin(HOST), Storage.of(STORAGE, "zfspool", section), Path.of(JAVA));
    }

    private static PerlSide perl(Scratch scratch, String pool) {
        String config = PerlSide.config(scratch, STORAGE, section(pool), List.of());
        return PerlSide.start(scratch, STORAGE, Path.of(pool), config);
    }

    /** What ZFS says of each volume and snapshot of a pool. */
    private static Set<String> datasets(String pool) {
        Set<String> datasets = new TreeSet<>();
        for (String arguments : List.of(
                "-t filesystem,volume -o name,type,volsize,refquota,origin,refreservation,volblocksize,acltype,xattr",
                "-t snapshot -o name,pve-storage:refquota")) {
            List<String> command = new ArrayList<>(List.of("zfs", "list", "-Hp", "-r"));
            command.addAll(List.of(arguments.split(" ", -1)));
            command.add(pool);
            Lab.run(command.toArray(String[]::new))
                    .lines()
                    .skip(arguments.contains("snapshot") ? 0 : 1)
                    .forEach(line -> datasets.add(line.replace(pool, "pool")));
        }
        return datasets;
    }

    @Test
    void volumesAndFileSystems(Scratch scratch) {
        ZfsLab.prepare(PERL, "2G");
        ZfsLab.prepare(JAVA, "2G");
        Side perl = perl(scratch, PERL);
        Side java = java();
        ZfsOperations operations = new ZfsOperations(new Random(SideBySideTest.SEED), STORAGE);
        Deque<String> latest = new ArrayDeque<>();
        List<String> refusals = new ArrayList<>();
        for (int step = 1; step <= STEPS; step++) {
            ZfsOperations.Next next = operations.next();
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
            assertThat(datasets(JAVA)).as(where + "datasets").isEqualTo(datasets(PERL));
            List<Listed> listed = java.list(null);
            if (step % LISTED == 0 || step == STEPS) {
                assertThat(listed).as(where + "the listing").isEqualTo(perl.list(null));
            }
            operations.happened(operation, ofJava, listed);
        }
        assertThat(refusals).as("what is refused otherwise").isEmpty();
    }

    @Test
    void bothInOnePool(Scratch scratch) throws InterruptedException, ExecutionException {
        ZfsLab.prepare(JAVA, "2G");
        for (Listed left : java().list(null).reversed()) {
            Lab.run("zfs", "destroy", "-R", JAVA + "/" + left.volid().replaceFirst(".*[:/]", ""));
        }
        List<Held> history = new Workers(
                        STORAGE,
                        PerlSide.config(scratch, STORAGE, section(JAVA), List.of()),
                        java(),
                        LOCKS.storage(new StorageId(STORAGE), false),
                        List.of("raw", "subvol"),
                        WORKERS_PER_LANGUAGE,
                        Math.max(2, STEPS / (4 * WORKERS_PER_LANGUAGE)))
                .run(scratch);
        Workers.nobodyOverlaps(history);
        Set<String> volumes = new TreeSet<>(Workers.replayed(history).keySet());
        assertThat(Workers.names(java().list(null))).as("what Java lists").isEqualTo(volumes);
        assertThat(Workers.names(perl(scratch, JAVA).list(null)))
                .as("what Perl lists")
                .isEqualTo(volumes);
    }
}
