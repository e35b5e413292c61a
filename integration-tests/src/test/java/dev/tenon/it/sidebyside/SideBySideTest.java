package dev.tenon.it.sidebyside;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A storage in Perl and one in Java do the same: a long random sequence of operations, each compared by its answer, the
 * listing, {@code qemu-img info} and the files. {@code -Dtenon.sidebyside.seed} and {@code -Dtenon.sidebyside.steps} give
 * another sequence.
 */
class SideBySideTest {
    static final long SEED = Long.getLong("tenon.sidebyside.seed", 20_261);
    static final int STEPS = Integer.getInteger("tenon.sidebyside.steps", 250);

    @Test
    void aDirectoryInPerlAndOneInJavaDoTheSame(Scratch scratch) throws IOException {
        List<String> formats = Installation.pveLibrary() == null
                ? List.of("raw", "qcow2")
                : List.of("raw", "qcow2", "qcow2", "vmdk", "subvol");
        run(scratch, formats, false);
    }

    @Test
    void withSnapshotsAsAChainOfVolumesTheyDoTheSame(Scratch scratch) throws IOException {
        assumeTrue(Installation.pveLibrary() != null, "the example plugin has no such chains: set TENON_PVE_LIB");
        run(scratch, List.of("raw", "qcow2", "qcow2"), true);
    }

    private static void run(Scratch scratch, List<String> formats, boolean hasSnapshotChains) throws IOException {
        Path perl = scratch.file("perl");
        Files.createDirectories(perl.resolve("images"));
        Path java = scratch.file("java");
        Files.createDirectories(java.resolve("images"));
        String storage = "side-" + ProcessHandle.current().pid();
        try {
            RandomOperations operations = new RandomOperations(new Random(SEED), storage, formats);
            new Comparison(
                            PerlSide.start(scratch, storage, perl, hasSnapshotChains),
                            JavaSide.ofDirectory(storage, java, hasSnapshotChains),
                            operations,
                            hasSnapshotChains)
                    .run(STEPS, SEED);
        } finally {
            Leftovers.remove(storage, perl, java);
        }
    }
}
