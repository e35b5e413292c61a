package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.MutatingWork;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The daemon gets kill -9 at random moments of changing work, again and again on the same storages. {@code
 * -Dtenon.kills=200} sets how often, {@code -Dtenon.seed} with which random numbers.
 */
class KilledInTheMiddleTest {
    private static final int KILLS = Integer.getInteger("tenon.kills", 10);
    private static final long SEED = Long.getLong("tenon.seed", 20_260_726L);
    private static final int PIPELINES = 2;
    private static final int MOST_CALLS = 8;
    private static final long FIRST_CALL_NANOS = 200_000_000;

    private final Map<String, Integer> seen = new ConcurrentHashMap<>();

    @Test
    void nothingAcknowledgedIsLostAndNothingHalfDoneIsListedAndTheDoctorRepairsTheRest(Scratch scratch)
            throws Exception {
        List<Pipeline> pipelines = new ArrayList<>();
        for (int i = 0; i < PIPELINES; i++) {
            pipelines.add(new Pipeline(scratch, i));
        }
        List<Thread> threads = new ArrayList<>();
        Map<Integer, Throwable> failures = new ConcurrentHashMap<>();
        for (Pipeline pipeline : pipelines) {
            threads.add(Thread.ofPlatform().name("pipeline-" + pipeline.number).start(() -> {
                try {
                    try {
                        pipeline.run();
                    } finally {
                        pipeline.work.forEach(MutatingWork::makeMutable);
                    }
                } catch (Throwable e) {
                    failures.put(pipeline.number, e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        int acknowledged = pipelines.stream().mapToInt(Pipeline::acknowledged).sum();
        System.out.printf(
                "%d kills, seed %d, %d changes acknowledged; seen: %s%n",
                pipelines.stream().mapToInt(pipeline -> pipeline.kills).sum(), SEED, acknowledged, new TreeMap<>(seen));
        assertThat(failures).as("with -Dtenon.seed=%d", SEED).isEmpty();
        assertThat(acknowledged).isGreaterThan(KILLS);
    }

    /** A Perl program and one daemon after the other, on two storages of its own. */
    private final class Pipeline {
        private final Scratch scratch;
        private final int number;
        private final Path directory;
        private final Path socket;
        private final Path journal;
        private final Random random;
        private final List<MutatingWork> work = new ArrayList<>();
        private int kills;
        private int started;

        Pipeline(Scratch scratch, int number) throws IOException {
            this.scratch = scratch;
            this.number = number;
            directory = Files.createDirectory(scratch.file("p" + number));
            socket = directory.resolve("now.sock");
            journal = directory.resolve("journal");
            random = new Random(SEED + number);
        }

        int acknowledged() {
            return work.stream().mapToInt(MutatingWork::acknowledged).sum();
        }

        /** The next one starts while the present one works. */
        private DaemonProcess launch() {
            return DaemonProcess.launchAt(
                    scratch,
                    directory.resolve("d" + started++ + ".sock"),
                    journal,
                    List.of("--adopted", scratch.file("nothing-adopted").toString()));
        }

        private void use(DaemonProcess daemon) throws IOException {
            daemon.awaitReady();
            Path link = Files.createSymbolicLink(directory.resolve("next.sock"), daemon.socket());
            Files.move(link, socket, StandardCopyOption.ATOMIC_MOVE);
        }

        void run() throws Exception {
            DaemonProcess daemon = launch();
            use(daemon);
            PerlCaller perl = PerlCaller.startAt(socket, scratch);
            for (boolean hasChains : new boolean[] {false, true}) {
                String id = hasChains ? "chain" : "plain";
                work.add(new MutatingWork(
                        perl, id, Files.createDirectory(directory.resolve(id)), hasChains, random.nextLong()));
            }
            try (ScheduledExecutorService killer = Executors.newSingleThreadScheduledExecutor()) {
                for (kills = 0; kills < KILLS / PIPELINES; kills++) {
                    DaemonProcess next = launch();
                    next.awaitReady();
                    DaemonProcess victim = daemon;
                    if (kills % 5 == 0) {
                        work.forEach(MutatingWork::activate);
                    }
                    MutatingWork interrupted = workUntilItDies(victim, killer);
                    victim.awaitEnd();
                    awaitOrphans();
                    daemon = next;
                    use(daemon);
                    examine(interrupted);
                }
            }
            work.forEach(storage -> storage.checkContents(true));
            assertThat(doctorCommand("--repair")).isEqualTo("nothing is wrong\n");
        }

        /** After some calls, the kill comes anywhere in the next or a little later. */
        private MutatingWork workUntilItDies(DaemonProcess victim, ScheduledExecutorService killer) throws Exception {
            int calls = 1 + random.nextInt(MOST_CALLS);
            long usual = FIRST_CALL_NANOS;
            for (int call = 0; ; call++) {
                ScheduledFuture<?> kill = call == calls
                        ? killer.schedule(
                                victim::kill, (long) (usual * random.nextDouble() * 1.5), TimeUnit.NANOSECONDS)
                        : null;
                long begin = System.nanoTime();
                MutatingWork storage = work.get(random.nextInt(work.size()));
                boolean isAnswered = storage.step();
                usual = (usual + System.nanoTime() - begin) / 2;
                if (kill != null) {
                    while (isAnswered) {
                        storage = work.get(random.nextInt(work.size()));
                        isAnswered = storage.step();
                    }
                    kill.get();
                    return storage;
                }
            }
        }

        /** The programs that the daemon had started do not die with it. */
        private void awaitOrphans() {
            await("programs that work in " + directory + " have ended")
                    .atMost(Duration.ofSeconds(30))
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(2))
                    .until(() -> work.stream().noneMatch(storage -> isWorkedOn(storage.path())));
        }

        private void examine(MutatingWork interrupted) throws Exception {
            String doubt = interrupted.doubt();
            work.forEach(MutatingWork::checkListing);
            if (kills % 20 == 10) {
                doctorCommand();
                doctorCommand("--repair");
                count(doubt + ": repaired by the command");
            }
            Doctor doctor = new Doctor(new Journal(journal));
            for (MutatingWork storage : work) {
                Storage examined = storage(storage);
                List<Finding> found = doctor.examine(examined, new DirPlugin());
                found.stream()
                        .filter(finding -> finding.kind() != Finding.Kind.INTERRUPTED)
                        .forEach(finding -> count(doubt + ": " + finding.kind().word()));
                if (storage.equals(interrupted) && found.stream().allMatch(f -> f.kind() == Finding.Kind.INTERRUPTED)) {
                    count(doubt + ": nothing left");
                }
                assertThat(found)
                        .as("after %s", doubt)
                        .allSatisfy(
                                finding -> assertThat(finding.remedy()).isInstanceOf(Finding.Remedy.Automatic.class));
                Doctor.Report report = doctor.repair(examined, new DirPlugin(), FREE);
                assertThat(report.left()).as("after %s", doubt).isEmpty();
                assertThat(doctor.examine(examined, new DirPlugin())).isEmpty();
            }
            interrupted.settle();
            work.forEach(storage -> storage.checkContents(false));
        }

        private Storage storage(MutatingWork storage) {
            Map<String, Object> properties = new LinkedHashMap<>();
            properties.put("path", storage.path().toString());
            if (storage.hasChains()) {
                properties.put("snapshot-as-volume-chain", "1");
            }
            return Storage.of(storage.id(), "dir", properties);
        }

        private String doctorCommand(String... options) throws IOException, InterruptedException {
            List<String> arguments = new ArrayList<>(List.of("doctor", "--journal", journal.toString()));
            for (MutatingWork storage : work) {
                arguments.addAll(List.of("--dir", storage.id() + "=" + storage.path()));
            }
            arguments.addAll(List.of(options));
            TenonCommand command = TenonCommand.run(scratch, arguments.toArray(String[]::new));
            String said = command.said() + command.errors();
            if (List.of(options).contains("--repair")) {
                assertThat(command.status()).as(said).isZero();
            }
            return said;
        }
    }

    private void count(String what) {
        seen.merge(what, 1, Integer::sum);
    }

    /** Nobody else works on the storages while they are repaired. */
    private static final ExclusiveLock FREE = new ExclusiveLock() {
        @Override
        public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
            return work.get();
        }
    };

    private static boolean isWorkedOn(Path directory) {
        String path = directory + "/";
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            return processes
                    .filter(process -> process.getFileName().toString().matches("[1-9][0-9]*"))
                    .anyMatch(process -> commandLine(process).contains(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String commandLine(Path process) {
        try {
            return Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }
}
