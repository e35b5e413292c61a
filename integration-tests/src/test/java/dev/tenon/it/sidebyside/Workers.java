package dev.tenon.it.sidebyside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
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

/**
 * Programs in Perl and threads in Java that change one storage at once, each under its lock.
 *
 * @param runner a command that runs the programs in Perl, mostly none
 * @param config what the programs read first, of the same storage as {@code side}
 * @param formats those of new images
 * @param count how many there are of each language
 * @param each how many operations each does
 */
record Workers(
        List<String> runner,
        String storage,
        String config,
        JavaSide side,
        ExclusiveLock lock,
        List<String> formats,
        int count,
        int each) {
    Workers(
            String storage,
            String config,
            JavaSide side,
            ExclusiveLock lock,
            List<String> formats,
            int count,
            int each) {
        this(List.of(), storage, config, side, lock, formats, count, each);
    }

    /** What they did, in the order in which they had the lock. */
    List<Held> run(Scratch scratch) throws InterruptedException, ExecutionException {
        List<PerlProgram> perl = IntStream.range(0, count)
                .mapToObj(number -> perlWorker(scratch, number))
                .toList();
        perl.forEach(program -> assertThat(program.line()).isEqualTo("ready"));
        List<Held> history = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            perl.forEach(program -> program.say("go"));
            List<Future<List<Held>>> java = new ArrayList<>();
            for (int number = 0; number < count; number++) {
                Random random = new Random(SideBySideTest.SEED + 100 + number);
                java.add(threads.submit(new JavaWorker(side, lock, storage, "java" + number, formats, random, each)));
            }
            for (int number = 0; number < count; number++) {
                PerlProgram program = perl.get(number);
                for (String line = program.line(); !line.equals("done"); line = program.line()) {
                    history.add(Held.parse("perl" + number, line, side.directory()));
                }
                assertThat(program.awaitEnd()).isZero();
            }
            for (Future<List<Held>> worker : java) {
                history.addAll(worker.get());
            }
        }
        history.sort(Comparator.comparingLong(Held::enter));
        assertThat(history).hasSize(2 * count * each);
        return history;
    }

    private PerlProgram perlWorker(Scratch scratch, int number) {
        PerlProgram program = PerlProgram.startBy(
                runner,
                scratch,
                Installation.resource("perl/storage-worker.pl"),
                storage,
                "perl" + number,
                Long.toString(SideBySideTest.SEED + number),
                Integer.toString(each),
                String.join(",", formats));
        program.say(config);
        return program;
    }

    static void nobodyOverlaps(List<Held> history) {
        for (int i = 1; i < history.size(); i++) {
            Held before = history.get(i - 1);
            Held after = history.get(i);
            assertThat(after.enter())
                    .as("%s begins before %s has ended", after, before)
                    .isGreaterThanOrEqualTo(before.leave());
        }
    }

    /** The volumes that there are after all that was done, with the sizes of the raw ones. */
    static Map<String, Long> replayed(List<Held> history) {
        Map<String, Long> volumes = new HashMap<>();
        int done = 0;
        for (Held held : history) {
            Operation operation = held.operation();
            if (held.answer().error() != null) {
                continue;
            }
            done++;
            String subject = operation.volid().map(Listed::file).orElse("");
            String made = held.answer().result() instanceof String volid ? Listed.file(volid) : "";
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

    static Set<String> names(List<Listed> listed) {
        Set<String> names = new TreeSet<>();
        listed.forEach(volume -> names.add(volume.file()));
        return names;
    }
}
