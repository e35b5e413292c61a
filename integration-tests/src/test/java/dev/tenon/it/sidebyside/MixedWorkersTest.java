package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StorageId;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/**
 * Perl and Java change one storage at once, each under the storage's lock. {@code -Dtenon.sidebyside.seed} and {@code
 * -Dtenon.sidebyside.steps} give other operations; their order is that of the lock.
 */
class MixedWorkersTest {
    private static final int WORKERS_PER_LANGUAGE = 4;
    private static final int EACH = SideBySideTest.STEPS / (2 * WORKERS_PER_LANGUAGE);

    @Test
    void fourPerlProcessesAndFourThreadsInJavaShareADirectory(Scratch scratch)
            throws IOException, InterruptedException, ExecutionException {
        Path directory = scratch.file("mixed");
        Files.createDirectories(directory.resolve("images"));
        String storage = "mixed-" + ProcessHandle.current().pid();
        try {
            JavaSide java = JavaSide.ofDirectory(storage, directory, false);
            List<Held> history = new Workers(
                            storage,
                            PerlSide.config(scratch, storage, directory, false),
                            java,
                            locks(scratch).storage(new StorageId(storage), false),
                            List.of("raw", "qcow2"),
                            WORKERS_PER_LANGUAGE,
                            EACH)
                    .run(scratch);
            Workers.nobodyOverlaps(history);
            Map<String, Long> volumes = Workers.replayed(history);
            String seed = "seed " + SideBySideTest.SEED;
            assertThat(Workers.names(java.list(null)))
                    .as("what Java lists, " + seed)
                    .isEqualTo(new TreeSet<>(volumes.keySet()));
            assertThat(Workers.names(
                            PerlSide.start(scratch, storage, directory, false).list(null)))
                    .as("what Perl lists, " + seed)
                    .isEqualTo(new TreeSet<>(volumes.keySet()));
            assertThat(files(directory)).as("files, " + seed).isEqualTo(new TreeSet<>(volumes.keySet()));
            for (Map.Entry<String, Long> volume : volumes.entrySet()) {
                isSound(directory.resolve("images").resolve(volume.getKey()), volume.getValue());
            }
        } finally {
            Leftovers.remove(storage, directory);
        }
    }

    private static Locks locks(Scratch scratch) {
        return Installation.pveLibrary() == null ? new Locks(PerlSide.locks(scratch), null) : PoolComparison.LOCKS;
    }

    private static Set<String> files(Path directory) {
        Set<String> files = new TreeSet<>();
        Observation.files(directory).keySet().stream()
                .filter(name -> !name.matches("/|images/(\\d+/)?"))
                .map(name -> name.replaceFirst("^images/", ""))
                .forEach(files::add);
        return files;
    }

    private static void isSound(Path image, long size) throws IOException, InterruptedException {
        if (image.toString().endsWith(".raw")) {
            assertThat(image).hasSize(size);
            return;
        }
        Process check = new ProcessBuilder("qemu-img", "check", "-f", "qcow2", image.toString())
                .redirectErrorStream(true)
                .start();
        check.getOutputStream().close();
        String said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(check.waitFor()).as("qemu-img check: %s", said).isZero();
    }
}
