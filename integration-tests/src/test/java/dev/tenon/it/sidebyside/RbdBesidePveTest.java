package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.MiniCeph;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * PVE's own RBDPlugin and the type in Java do the same, on two pools of one cluster and on one. PVE's runs in a namespace of
 * its own, where {@code /usr/bin/rbd} and {@code /etc/pve} are. {@code -Dtenon.sidebyside.seed} and {@code
 * -Dtenon.sidebyside.steps} give another sequence; {@code -Dtenon.full=true} a long one.
 */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class RbdBesidePveTest {
    private static final String STORAGE = "side";
    private static final String PERL = "side-perl";
    private static final String JAVA = "side-java";
    private static final boolean IS_LONG = Boolean.getBoolean("tenon.full");
    private static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", IS_LONG ? 250 : 40);
    private static final int WORKERS_PER_LANGUAGE = 2;
    private static final int SHOWN_STEPS = 20;
    private static final int LISTED = 10;

    private MiniCeph ceph;
    private Path etc;
    private List<String> runner;

    @BeforeEach
    void start(Scratch scratch) throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a directory over another");
        ceph = MiniCeph.start(scratch);
        etc = scratch.file("pve");
        Files.createDirectories(etc.resolve("priv/lock"));
        Files.createDirectories(etc.resolve("priv/ceph"));
        // What PVE takes for the sign that the cluster's files may be written.
        Files.createDirectory(etc.resolve("local"));
        Files.createDirectories(scratch.file("over/pve"));
        runner = List.of(
                "unshare",
                "-m",
                "sh",
                "-c",
                """
                mount -t overlay -o "lowerdir=$1:/usr/bin" overlay /usr/bin &&
                    mount -t overlay -o "lowerdir=$2:/etc" overlay /etc &&
                    mount --bind "$3" /etc/pve && PERL5LIB=$4 && shift 4 &&
                    export PERL5LIB && PERL5OPT=-MRadosByCommand exec "$@"
                """,
                "sh",
                ceph.programs().toString(),
                scratch.file("over").toString(),
                etc.toString(),
                Installation.resource("perl").toString());
    }

    private Map<String, Object> section(String pool) {
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", "rbd");
        section.put("monhost", ceph.monitor());
        section.put("pool", pool);
        section.put("content", Map.of("images", 1));
        section.put("shared", 1);
        return section;
    }

    /** With the lock of one node: that of the cluster cannot be taken twice by one process, and PVE's functions take it, too. */
    private Map<String, Object> ofOneNode(String pool) {
        Map<String, Object> section = section(pool);
        section.remove("shared");
        return section;
    }

    private Locks locks() {
        return new Locks(Path.of("/var/lock"), etc);
    }

    private JavaSide java(String pool, Path directory) {
        RbdHost host = new RbdHost(
                ceph.programs(),
                etc,
                Path.of("/dev"),
                Path.of("/sys/devices/rbd"),
                false,
                locks(),
                Duration.ofMinutes(2),
                Duration.ofMinutes(2));
        Map<String, Object> section = new LinkedHashMap<>(section(pool));
        section.put("content", Map.of("images", "1"));
        section.put("shared", "1");
        section.remove("type");
        return new JavaSide(new RbdPlugin(host), Storage.of(STORAGE, "rbd", section), directory);
    }

    private PerlSide perl(Scratch scratch, String pool) {
        return PerlSide.start(
                runner,
                scratch,
                STORAGE,
                Path.of("rbd:" + pool),
                PerlSide.config(scratch, STORAGE, section(pool), List.of()));
    }

    /** What Ceph tells of a pool, without what it chooses itself. */
    private Map<String, Object> images(String pool, boolean isWhole) throws IOException {
        Map<String, Object> images = new TreeMap<>();
        for (Object each : JSON.std.listFrom(ceph.run("rbd", "ls", "-l", "--format", "json", pool))) {
            Map<?, ?> row = (Map<?, ?>) each;
            String name = row.get("image") + "@" + row.get("snapshot");
            images.put(name, plain(row, pool));
            if (isWhole && row.get("snapshot") == null) {
                images.put(
                        name + " info",
                        plain(
                                JSON.std.mapFrom(
                                        ceph.run("rbd", "info", "--format", "json", pool + "/" + row.get("image"))),
                                pool));
            }
        }
        return images;
    }

    private static Map<String, Object> plain(Map<?, ?> row, String pool) {
        Map<String, Object> plain = new TreeMap<>();
        row.forEach((key, value) -> {
            String name = String.valueOf(key);
            if (!Set.of("id", "snapshot_id", "block_name_prefix").contains(name) && !name.endsWith("_timestamp")) {
                plain.put(
                        name,
                        value instanceof Map<?, ?> inner
                                ? plain(inner, pool)
                                : String.valueOf(value).equals(pool) ? "POOL" : value);
            }
        });
        return plain;
    }

    @Test
    void imagesOfAPool(Scratch scratch) throws IOException {
        ceph.makePool(PERL);
        ceph.makePool(JAVA);
        Side perl = perl(scratch, PERL);
        Side java = java(JAVA, Path.of("rbd:" + JAVA));
        RbdOperations operations = new RbdOperations(new Random(SideBySideTest.SEED), STORAGE);
        Deque<String> latest = new ArrayDeque<>();
        List<String> refusals = new ArrayList<>();
        for (int step = 1; step <= STEPS; step++) {
            Operation operation = operations.next();
            Answer ofJava = java.call(operation);
            Answer ofPerl = perl.call(operation);
            latest.add(operation + " " + ofPerl + (ofPerl.equals(ofJava) ? "" : " | java " + ofJava));
            if (latest.size() > SHOWN_STEPS) {
                latest.remove();
            }
            String where = "seed " + SideBySideTest.SEED + ", step " + step + ", the last steps:\n"
                    + String.join("\n", latest) + "\n";
            if (ofPerl.error() != null && ofJava.error() != null) {
                if (!Refusals.agree(ofPerl.error(), ofJava.error())) {
                    refusals.add(operation + "\n  perl: " + ofPerl.error() + "\n  java: " + ofJava.error());
                }
            } else {
                assertThat(ofJava).as(where).isEqualTo(ofPerl);
            }
            boolean isWhole = step % LISTED == 0 || step == STEPS;
            assertThat(images(JAVA, isWhole)).as(where + "images").isEqualTo(images(PERL, isWhole));
            List<Listed> listed = java.list(null);
            if (isWhole) {
                assertThat(listed).as(where + "the listing").isEqualTo(perl.list(null));
            }
            operations.happened(operation, ofJava, listed);
        }
        assertThat(refusals).as("what is refused otherwise").isEmpty();
    }

    @Test
    void bothInOnePool(Scratch scratch) throws InterruptedException, ExecutionException {
        assumeTrue(IS_LONG, "this takes long, and runs in bin/verify full");
        ceph.makePool(JAVA);
        JavaSide java = java(JAVA, Path.of("rbd:" + JAVA));
        List<Held> history = new Workers(
                        runner,
                        STORAGE,
                        PerlSide.config(scratch, STORAGE, ofOneNode(JAVA), List.of()),
                        java,
                        locks().storage(new StorageId(STORAGE), false),
                        List.of("raw"),
                        WORKERS_PER_LANGUAGE,
                        Math.max(8, STEPS / (4 * WORKERS_PER_LANGUAGE)))
                .run(scratch);
        Workers.nobodyOverlaps(history);
        Set<String> volumes = new TreeSet<>(Workers.replayed(history).keySet());
        assertThat(Workers.names(java.list(null))).as("what Java lists").isEqualTo(volumes);
        assertThat(Workers.names(perl(scratch, JAVA).list(null)))
                .as("what Perl lists")
                .isEqualTo(volumes);
    }
}
