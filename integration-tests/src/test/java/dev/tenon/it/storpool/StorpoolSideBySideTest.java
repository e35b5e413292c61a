package dev.tenon.it.storpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorpoolLab;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * StorPool's own plugin and Tenon's do the same, each on a cluster of its own: a long random sequence, each compared by its
 * answer or refusal, the listing, and all that the cluster has. {@code -Dtenon.sidebyside.seed} and {@code
 * -Dtenon.sidebyside.steps} give another sequence.
 */
class StorpoolSideBySideTest {
    static final long SEED = Long.getLong("tenon.sidebyside.seed", 20_261);
    static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", 80);
    private static final int SHOWN = 15;

    /** One of the two. */
    private record Side(StoragePlugin plugin, Storage storage, Cluster cluster) {
        Answer told(Deed deed) {
            try {
                return new Answer(String.valueOf(deed.call().of(plugin, storage)), null);
            } catch (StorageException e) {
                return new Answer(null, e.getMessage());
            }
        }

        List<String> listed() {
            return plugin.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                    .map(image -> image.volid().volume() + " " + image.size() + " " + image.used() + " " + image.owner()
                            + " " + image.format())
                    .sorted()
                    .toList();
        }

        List<String> objects() {
            return cluster.objects().stream()
                    .map(object -> object.globalId() + " " + object.isSnapshot() + " " + object.size() + " "
                            + object.template() + " " + object.parent() + " " + new TreeMap<>(object.tags()))
                    .toList();
        }
    }

    private record Answer(@Nullable String result, @Nullable String refusal) {}

    /** What a refusal of one is in the words of the other. */
    private record Pair(Pattern perl, String java) {
        Pair(String perl, String java) {
            this(Pattern.compile(perl), java);
        }
    }

    private static final List<Pair> PAIRS = List.of(
            new Pair("don't know how to decode", "unable to parse storpool volume name"),
            new Pair("unsupported format 'qcow2'", "unsupported format 'qcow2'"),
            new Pair("Inconsistent VM snapshot state name", "should be 'vm-"),
            new Pair("create_base not possible with base image", "create_base not possible with base image"),
            new Pair("clone_image on wrong vtype", "clone_image on wrong vtype"),
            new Pair("expected exactly one '.*' snapshot for .*, got \\$VAR1 = \\[\\]", "does not exist"),
            new Pair("expected exactly one '.*' snapshot for .*, got \\$VAR1 = \\[\\]", "can't roll back volume"),
            new Pair("Target snapshot '.*' already exists", "already exists"),
            new Pair("no snapshot found with the name", "does not exist"),
            // of two that hold, each says another
            new Pair("Target snapshot '.*' already exists", "does not exist on volume"),
            new Pair("is attached to client", "is attached to client"),
            new Pair("cannot be shrunk", "unable to shrink"),
            new Pair("does not exist", "does not exist"),
            new Pair("volume '~.*' does not exist", "can't resize this image format"),
            new Pair("volume '~.*' does not exist", "create_base on wrong vtype"),
            new Pair("volume '~.*' does not exist", "only disks of guests have snapshots"),
            new Pair("volume '~.*' does not exist", "unable to rename"),
            new Pair("the value of tag 'pve-base' is no text", "only disks of guests have snapshots"),
            new Pair("the value of tag 'pve-base' is no text", "unable to rename"));

    private static boolean agree(Answer perl, Answer java) {
        String ofPerl = perl.refusal();
        String ofJava = java.refusal();
        return (ofPerl == null || ofJava == null)
                ? perl.equals(java)
                : PAIRS.stream().anyMatch(pair -> pair.perl().matcher(ofPerl).find() && ofJava.contains(pair.java()));
    }

    @Test
    void bothPluginsDoTheSame(Scratch scratch) {
        Side perl = side(StorpoolLab.start(scratch, "perl"), true);
        Side java = side(StorpoolLab.start(scratch, "java"), false);
        Deeds deeds = new Deeds(new Random(SEED), java.cluster());
        Deque<String> latest = new ArrayDeque<>();
        int done = 0;
        for (int step = 1; step <= STEPS; step++) {
            Deed deed = deeds.next();
            Answer ofJava = java.told(deed);
            String where = "seed " + SEED + ", step " + step + ": " + deed;
            if (deed.onlyRefused().isPresent()) {
                assertThat(String.valueOf(ofJava.refusal()))
                        .as(where + ", which Tenon refuses; before: " + latest)
                        .contains(deed.onlyRefused().get());
            } else {
                Answer ofPerl = perl.told(deed);
                latest.add(deed + " = " + ofPerl);
                assertThat(agree(ofPerl, ofJava))
                        .as("%s: perl %s, java %s; before: %s", where, ofPerl, ofJava, latest)
                        .isTrue();
                done += ofPerl.refusal() == null ? 1 : 0;
            }
            assertThat(java.objects()).as(where + "; before: " + latest).isEqualTo(perl.objects());
            assertThat(java.cluster().attached())
                    .as(where)
                    .isEqualTo(perl.cluster().attached());
            assertThat(java.listed()).as(where).isEqualTo(perl.listed());
            deeds.happened(java.listed().stream()
                    .map(line -> line.substring(0, line.indexOf(' ')))
                    .toList());
            if (latest.size() > SHOWN) {
                latest.remove();
            }
        }
        assertThat(done).as("deeds that were done").isGreaterThan(STEPS / 3);
    }

    private static Side side(StorpoolLab lab, boolean isPerl) {
        Map<String, String> here = Map.of("node", StorpoolLab.name(StorpoolLab.FIRST));
        lab.guests(Map.of(100L, here, 101L, here, 102L, here, 9000L, here));
        StoragePlugin plugin = isPerl ? lab.perl(StorpoolLab.FIRST).plugin() : lab.java(StorpoolLab.FIRST);
        Cluster cluster = lab.emulator().cluster();
        // what somebody has put there by hand
        Stored volume = cluster.create(StorpoolLab.TEMPLATE, 1 << 20, Map.of());
        for (Map<String, String> tags : List.of(
                Map.of("pve-type", "iso", "pve-comment", "debian-12"),
                Map.of("pve-type", "images", "pve-comment", "cloud-image"),
                Map.of("pve-type", "images", "pve-vm", "101", "pve-disk", "3", "pve-base", "1", "pve", "other"))) {
            Map<String, String> all =
                    new TreeMap<>(Map.of("virt", "pve", "pve-loc", StorpoolLab.PVE_CLUSTER, "pve", "sp"));
            all.putAll(tags);
            cluster.snapshot(volume.globalId(), all);
        }
        cluster.delete(volume.globalId(), false);
        return new Side(plugin, StorpoolLab.storage("extra-tags", "team=a"), cluster);
    }
}
