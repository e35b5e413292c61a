package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import dev.tenon.it.support.Scratch;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;

/** PVE's own plugin and a type in Java, each on a pool of its own that gets the same operations, or both on one. */
final class PoolComparison {
    static final boolean IS_LONG = Boolean.getBoolean("tenon.full");

    /** Where PVE's own modules lock, whether this is a PVE host or not. */
    static final Locks LOCKS = new Locks(Path.of("/var/lock"), Path.of("/etc/pve"));

    private static final int WORKERS_PER_LANGUAGE = 2;
    private static final int SHOWN_STEPS = 20;
    private static final int LISTED = 10;

    private PoolComparison() {}

    /** What the engine itself tells of everything in a pool, by names, without what it chooses. */
    @FunctionalInterface
    interface Engine {
        Map<String, ?> told(String pool);
    }

    /**
     * Compares answers, refusals, what the engine tells after each step, and now and then the listing.
     *
     * @param perl the side whose directory is the first pool
     * @param java the side whose directory is the second
     */
    static void compare(
            Side perl,
            Side java,
            String perlPool,
            String javaPool,
            BlockOperations operations,
            int steps,
            Engine engine) {
        Deque<String> latest = new ArrayDeque<>();
        List<String> refusals = new ArrayList<>();
        for (int step = 1; step <= steps; step++) {
            BlockOperations.Next next = operations.next();
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
            assertThat(engine.told(javaPool)).as(where + "volumes").isEqualTo(engine.told(perlPool));
            List<Listed> listed = java.list(null);
            if (step % LISTED == 0 || step == steps) {
                assertThat(listed).as(where + "the listing").isEqualTo(perl.list(null));
            }
            operations.happened(operation, ofJava, listed);
        }
        assertThat(refusals).as("what is refused otherwise").isEmpty();
        for (List<Listed> left = java.list(null); !left.isEmpty(); left = java.list(null)) {
            // A base image goes after its clones.
            for (Listed volume : left) {
                Operation free = Operation.of("vdisk_free", volume.volid());
                Answer ofJava = java.call(free);
                assertThat(perl.call(free).error() == null)
                        .as(volume + " " + ofJava)
                        .isEqualTo(ofJava.error() == null);
            }
            assertThat(java.list(null)).hasSizeLessThan(left.size());
        }
        assertThat(engine.told(javaPool)).as("when all volumes are removed").isEqualTo(engine.told(perlPool));
    }

    /** Workers of both languages change one storage, each under its lock; then nothing is lost and nothing is left. */
    static void mix(
            Scratch scratch,
            String storage,
            String config,
            JavaSide java,
            ExclusiveLock lock,
            List<String> formats,
            int steps)
            throws InterruptedException, ExecutionException {
        List<Held> history = new Workers(
                        storage,
                        config,
                        java,
                        lock,
                        formats,
                        WORKERS_PER_LANGUAGE,
                        Math.max(2, steps / (4 * WORKERS_PER_LANGUAGE)))
                .run(scratch);
        Workers.nobodyOverlaps(history);
        Set<String> volumes = new TreeSet<>(Workers.replayed(history).keySet());
        assertThat(Workers.names(java.list(null))).as("what Java lists").isEqualTo(volumes);
        assertThat(Workers.names(PerlSide.start(scratch, storage, java.directory(), config)
                        .list(null)))
                .as("what Perl lists")
                .isEqualTo(volumes);
        for (List<Listed> left = java.list(null); !left.isEmpty(); left = java.list(null)) {
            left.forEach(volume -> java.call(Operation.of("vdisk_free", volume.volid())));
            assertThat(java.list(null)).hasSizeLessThan(left.size());
        }
    }
}
