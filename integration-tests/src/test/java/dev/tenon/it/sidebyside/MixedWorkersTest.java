package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StorageId;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
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
            List<Held> history = run(scratch, storage, directory);
            assertThat(history).hasSize(2 * WORKERS_PER_LANGUAGE * EACH);
            nobodyOverlaps(history);
            Map<String, Long> volumes = replayed(history);
            String seed = "seed " + SideBySideTest.SEED;
            JavaSide java = new JavaSide(storage, directory, false);
            assertThat(names(java.list(null)))
                    .as("what Java lists, " + seed)
                    .isEqualTo(new TreeSet<>(volumes.keySet()));
            assertThat(names(PerlSide.start(scratch, storage, directory, false).list(null)))
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

    private static List<Held> run(Scratch scratch, String storage, Path directory)
            throws InterruptedException, ExecutionException {
        ExclusiveLock lock = locks(scratch).storage(new StorageId(storage), false);
        JavaSide side = new JavaSide(storage, directory, false);
        List<PerlProgram> perl = IntStream.range(0, WORKERS_PER_LANGUAGE)
                .mapToObj(number -> perlWorker(scratch, storage, directory, number))
                .toList();
        perl.forEach(program -> assertThat(program.line()).isEqualTo("ready"));
        List<Held> history = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(WORKERS_PER_LANGUAGE)) {
            perl.forEach(program -> program.say("go"));
            List<Future<List<Held>>> java = new ArrayList<>();
            for (int number = 0; number < WORKERS_PER_LANGUAGE; number++) {
                Random random = new Random(SideBySideTest.SEED + 100 + number);
                java.add(threads.submit(new JavaWorker(side, lock, storage, "java" + number, random, EACH)));
            }
            for (int number = 0; number < WORKERS_PER_LANGUAGE; number++) {
                PerlProgram program = perl.get(number);
                for (String line = program.line(); !line.equals("done"); line = program.line()) {
                    history.add(Held.parse("perl" + number, line, directory));
                }
                assertThat(program.awaitEnd()).isZero();
            }
            for (Future<List<Held>> worker : java) {
                history.addAll(worker.get());
            }
        }
        history.sort(Comparator.comparingLong(Held::enter));
        return history;
    }

    private static Locks locks(Scratch scratch) {
        return Installation.pveLibrary() == null
                ? new Locks(PerlSide.locks(scratch), null)
                : new Locks(Path.of("/var/lock"), Path.of("/etc/pve"));
    }

    private static PerlProgram perlWorker(Scratch scratch, String storage, Path directory, int number) {
        PerlProgram program = PerlProgram.start(
                scratch,
                List.of(),
                Installation.resource("perl/storage-worker.pl"),
                storage,
                "perl" + number,
                Long.toString(SideBySideTest.SEED + number),
                Integer.toString(EACH));
        program.say(PerlSide.config(scratch, storage, directory, false));
        return program;
    }

    private static void nobodyOverlaps(List<Held> history) {
        for (int i = 1; i < history.size(); i++) {
            Held before = history.get(i - 1);
            Held after = history.get(i);
            assertThat(after.enter())
                    .as("%s begins before %s has ended", after, before)
                    .isGreaterThanOrEqualTo(before.leave());
        }
    }

    /** The volumes that there are after all that was done, with the sizes of the raw ones. */
    private static Map<String, Long> replayed(List<Held> history) {
        Map<String, Long> volumes = new HashMap<>();
        int done = 0;
        for (Held held : history) {
            Operation operation = held.operation();
            if (held.answer().error() != null) {
                continue;
            }
            done++;
            String subject = operation.volid().map(MixedWorkersTest::name).orElse("");
            String made = held.answer().result() instanceof String volid ? name(volid) : "";
            switch (operation.function()) {
                case "vdisk_alloc" -> add(volumes, made, operation.number(4) * 1024, held);
                case "vdisk_clone" -> {
                    assertThat(volumes).as("the base of %s", held).containsKey(subject);
                    add(volumes, made, 0, held);
                }
                case "vdisk_free" -> volumes.remove(subject); // removing what is not there succeeds
                case "vdisk_create_base", "rename_volume" -> {
                    assertThat(volumes).as("the source of %s", held).containsKey(subject);
                    add(volumes, made, Objects.requireNonNull(volumes.remove(subject)), held);
                }
                default -> {
                    assertThat(volumes).as("the volume of %s", held).containsKey(subject);
                    if (operation.function().equals("volume_resize")) {
                        volumes.put(subject, operation.number(1));
                    }
                }
            }
        }
        assertThat(done).as("operations that were not refused").isGreaterThan(history.size() / 2);
        return volumes;
    }

    private static void add(Map<String, Long> volumes, String name, long size, Held held) {
        assertThat(volumes.put(name, size))
                .as("a second volume of the same name: %s", held)
                .isNull();
    }

    /** The directory and the file of a volume. */
    private static String name(String volid) {
        String[] parts = volid.substring(volid.indexOf(':') + 1).split("/", -1);
        return parts[parts.length - 2] + "/" + parts[parts.length - 1];
    }

    private static Set<String> names(List<Listed> listed) {
        Set<String> names = new TreeSet<>();
        listed.forEach(volume -> names.add(volume.file()));
        return names;
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
