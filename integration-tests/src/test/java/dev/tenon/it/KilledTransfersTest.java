package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TransferProgram;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The daemon, the Perl program or the sidecar gets kill -9 in the middle of a stream, at a random byte of it. {@code
 * -Dtenon.kills=200} sets how often, {@code -Dtenon.seed} with which random numbers.
 */
class KilledTransfersTest {
    private static final int KILLS = Integer.getInteger("tenon.kills", 9);
    private static final long SEED = Long.getLong("tenon.seed", 20_261_121L);
    private static final int SIZE = 12 << 20;
    private static final int PIECE = 64 << 10;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String SOURCE = "100/vm-100-disk-0.raw";
    private static final String TARGET = "101/vm-101-disk-0.raw";
    private static final String FORMAT = "raw+size";
    private static final Path PLUGIN = Installation.plugin("DdPlugin.pm");

    private enum Victim {
        DAEMON,
        PROGRAM,
        SIDECAR
    }

    private final Random random = new Random(SEED);
    private final byte[] stream = stream();
    private final Map<String, Integer> seen = new TreeMap<>();

    private byte[] stream() {
        byte[] noise = new byte[SIZE];
        random.nextBytes(noise);
        return ByteBuffer.allocate(Long.BYTES + SIZE)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(SIZE)
                .put(noise)
                .array();
    }

    /** One transfer and who is killed in it. */
    private record Killing(Victim victim, String type, boolean isExport, int after) {
        @Override
        public String toString() {
            return victim + " killed after " + after + " bytes of " + (isExport ? "an export by " : "an import by ")
                    + type;
        }
    }

    @Test
    void noHalfVolumeIsListedAndNothingIsLeftOpen(Scratch scratch) throws Exception {
        Files.write(file(scratch, SOURCE), Arrays.copyOfRange(stream, Long.BYTES, stream.length));
        DaemonProcess daemon = DaemonProcess.start(scratch, PLUGIN);
        PerlCaller perl = PerlCaller.start(scratch);
        int open = warm(scratch, daemon, perl);
        for (int i = 0; i < KILLS; i++) {
            Victim victim = Victim.values()[i % Victim.values().length];
            String type = victim == Victim.SIDECAR || random.nextBoolean() ? "ddtest" : "dir";
            Killing killing = new Killing(victim, type, random.nextBoolean(), random.nextInt(stream.length));

            List<ProcessHandle> started = daemon.sidecars();
            boolean isDone = transfer(scratch, daemon, killing);

            if (victim == Victim.DAEMON) {
                awaitEnd(started);
                awaitNoProcessIn(scratch);
                daemon.close();
                if (!killing.isExport() && !isDone && type.equals("ddtest")) {
                    assertThat(file(scratch, TARGET)).as("%s", killing).doesNotExist();
                    isToldInTheJournal(scratch, killing);
                }
                daemon = DaemonProcess.start(scratch, PLUGIN);
                open = warm(scratch, daemon, perl);
            } else {
                isQuiet(scratch, daemon, open, killing);
            }
            isWholeOrNotThere(scratch, perl, killing, isDone);
        }
        System.out.printf("%d transfers killed, seed %d: %s%n", KILLS, SEED, seen);
    }

    @Test
    void aPluginFreesItselfWhatItHasMadeWhenTheDaemonIsLost(Scratch scratch) throws Exception {
        DaemonProcess daemon = DaemonProcess.start(scratch, Installation.plugin("FreeingPlugin.pm"));
        TransferProgram program = TransferProgram.importing(scratch, "freeing", TARGET, FORMAT);
        program.input().write(stream, 0, PIECE);
        program.input().flush();
        Path file = file(scratch, TARGET);
        await().atMost(LIMIT).until(() -> Files.exists(file));
        List<ProcessHandle> started = daemon.sidecars();

        daemon.kill();

        assertThat(program.awaitEnd()).as(program.errors()).isNotZero();
        awaitEnd(started);
        assertThat(file).doesNotExist();
        assertThat(scratch.storage().resolve("freed")).hasContent("nas " + TARGET + " 0 raw\n");
        daemon.close();
    }

    /** Descriptors that are open once everything has been used. */
    private int warm(Scratch scratch, DaemonProcess daemon, PerlCaller perl) throws Exception {
        for (String type : List.of("dir", "ddtest")) {
            listed(scratch, perl, type);
            TransferProgram program = TransferProgram.exporting(scratch, type, SOURCE, FORMAT);
            assertThat(program.output().readAllBytes()).isEqualTo(stream);
            assertThat(program.awaitEnd()).as(program.errors()).isZero();
        }
        int[] last = {-1};
        await("the same number of descriptors")
                .atMost(LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .until(() -> {
                    int now = open(daemon);
                    boolean isSame = now == last[0];
                    last[0] = now;
                    return isSame;
                });
        return last[0];
    }

    /** Whether the program said that all is well. */
    private boolean transfer(Scratch scratch, DaemonProcess daemon, Killing killing) throws Exception {
        Runnable kill;
        TransferProgram program = killing.isExport()
                ? TransferProgram.exporting(scratch, killing.type(), SOURCE, FORMAT)
                : TransferProgram.importing(scratch, killing.type(), TARGET, FORMAT);
        kill = switch (killing.victim()) {
            case DAEMON -> daemon::kill;
            case PROGRAM -> program::kill;
            case SIDECAR -> () -> daemon.members().forEach(ProcessHandle::destroyForcibly);
        };
        int exported = 0;
        if (killing.isExport()) {
            exported = export(program, killing, kill);
        } else {
            feed(program.input(), killing, kill);
        }
        String said = killing.isExport() ? "" : new String(read(program.output()), StandardCharsets.UTF_8);
        int status = program.awaitEnd();
        count(killing, status);
        if (killing.victim() == Victim.PROGRAM) {
            return false;
        }
        if (status == 0) {
            assertThat(exported).isEqualTo(killing.isExport() ? stream.length : 0);
            assertThat(said).isEqualTo(killing.isExport() ? "" : "nas:" + TARGET + "\n");
        } else {
            assertThat(program.errors())
                    .as("%s", killing)
                    .isNotBlank()
                    .contains(killing.victim() == Victim.DAEMON ? "the connection was lost" : "SIGKILL");
        }
        return status == 0;
    }

    private void count(Killing killing, int status) {
        seen.merge(
                killing.victim()
                        + (killing.isExport() ? " export " : " import ")
                        + killing.type()
                        + (status == 0 ? " done" : " broken"),
                1,
                Integer::sum);
    }

    /** How much came. */
    private int export(TransferProgram program, Killing killing, Runnable kill) throws IOException {
        byte[] first = program.output().readNBytes(killing.after());
        kill.run();
        byte[] rest = read(program.output());
        ByteBuffer all =
                ByteBuffer.allocate(first.length + rest.length).put(first).put(rest);
        assertThat(all.array()).as("%s", killing).isEqualTo(Arrays.copyOf(stream, all.capacity()));
        return all.capacity();
    }

    /** What comes until the other end is gone, in whatever way. */
    private static byte[] read(InputStream input) throws IOException {
        try {
            return input.readAllBytes();
        } catch (IOException e) {
            assertThat(e).hasMessageMatching("Stream [cC]losed");
            return new byte[0];
        }
    }

    private void feed(OutputStream input, Killing killing, Runnable kill) {
        int at = 0;
        boolean isKilled = false;
        try (input) {
            while (at < stream.length) {
                int end = Math.min(stream.length, at + PIECE);
                if (!isKilled && end > killing.after()) {
                    input.write(stream, at, killing.after() - at);
                    input.flush();
                    at = killing.after();
                    kill.run();
                    isKilled = true;
                }
                input.write(stream, at, end - at);
                input.flush();
                at = end;
            }
        } catch (IOException e) {
            assertThat(e).hasMessageMatching("Broken pipe|Stream [cC]losed");
        }
        assertThat(isKilled).isTrue();
    }

    private void isWholeOrNotThere(Scratch scratch, PerlCaller perl, Killing killing, boolean isDone)
            throws IOException {
        Path file = file(scratch, TARGET);
        // Others see the volume while it is made, as in PVE, and until the daemon has removed it.
        await("the volume is whole or gone: " + killing)
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> !listed(scratch, perl, killing.type()).contains("nas:" + TARGET) || isWhole(file));
        boolean isListed = listed(scratch, perl, killing.type()).contains("nas:" + TARGET);
        if (!killing.isExport() && isDone) {
            assertThat(isListed).as("%s", killing).isTrue();
        }
        Files.deleteIfExists(file);
        try (Stream<Path> left = Files.list(file.getParent())) {
            // What a daemon that was killed left is removed when the storage is used again.
            assertThat(left.filter(path -> killing.victim() != Victim.DAEMON))
                    .as("%s", killing)
                    .isEmpty();
        }
    }

    private boolean isWhole(Path file) throws IOException {
        try {
            return Arrays.equals(Files.readAllBytes(file), Arrays.copyOfRange(stream, Long.BYTES, stream.length));
        } catch (NoSuchFileException e) {
            return false; // removed since it was listed
        }
    }

    private static void isToldInTheJournal(Scratch scratch, Killing killing) throws IOException {
        try (Stream<Path> entries = Files.list(scratch.file("journal"))) {
            assertThat(entries.map(KilledTransfersTest::text))
                    .as("%s", killing)
                    .anySatisfy(
                            text -> assertThat(text).contains("importVolume").contains(TARGET));
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void isQuiet(Scratch scratch, DaemonProcess daemon, int before, Killing killing) {
        awaitNoProcessIn(scratch);
        await("descriptors of the daemon as before: " + killing)
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> open(daemon) <= before);
    }

    private static void awaitEnd(List<ProcessHandle> started) {
        await("what the daemon started has ended")
                .atMost(LIMIT)
                .until(() -> started.stream().noneMatch(ProcessHandle::isAlive));
    }

    private static void awaitNoProcessIn(Scratch scratch) {
        String path = scratch.storage() + "/images";
        await("programs that work in " + path + " have ended")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> {
                    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
                        return all.noneMatch(process ->
                                process.info().commandLine().orElse("").contains(path));
                    }
                });
    }

    private static int open(DaemonProcess daemon) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            return (int) descriptors.count();
        }
    }

    private static List<String> listed(Scratch scratch, PerlCaller perl, String type) {
        Map<String, Object> section = new HashMap<>();
        section.put("type", type);
        section.put("path", scratch.storage().toString());
        section.put("content", Map.of("images", 1));
        perl.calling(type)
                .nothing("activate_storage", "nas", section, PerlCaller.cache("c"))
                .value();
        List<?> images = (List<?>) Objects.requireNonNull(perl.calling(type)
                .scalar("list_images", "nas", section, null, null, PerlCaller.cache("c"))
                .value());
        return images.stream()
                .map(image -> String.valueOf(((Map<?, ?>) image).get("volid")))
                .toList();
    }

    private static Path file(Scratch scratch, String volume) throws IOException {
        Path file = scratch.storage().resolve("images").resolve(volume);
        Files.createDirectories(file.getParent());
        return file;
    }
}
