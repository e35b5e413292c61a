package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.GuestDisk;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlBackupHost;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What calls follow each failure that a backup may have in PVE, and what a provider leaves then. The provider is written in
 * Perl, behind the daemon; the host is a process of its own.
 */
class BackupFailuresTest {
    private static final String DEVICE = "drive-scsi0";
    private static final int SIZE = 8 << 20;
    private static final String INTERRUPTED = "interrupted by signal\n";

    private long start = 1_700_000_000;

    @BeforeEach
    void needsRoot() {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files, and owners of files, need root");
    }

    private static DaemonProcess daemon(Scratch scratch) {
        return DaemonProcess.start(scratch, Installation.perlShim().resolve("examples/ChainBackupPlugin.pm"));
    }

    private Map<String, Object> task(Scratch scratch, String name, String type) {
        Map<String, Object> task = new LinkedHashMap<>();
        task.put("task", name);
        task.put("socket", DaemonProcess.socketIn(scratch).toString());
        task.put("plugin", "chainbackup");
        task.put("storeid", "vault");
        task.put("scfg", Map.of("type", "chainbackup", "path", scratch.storage().toString()));
        task.put("vmid", 100);
        task.put("type", type);
        task.put("start", ++start);
        try {
            task.put(
                    "config",
                    Files.writeString(scratch.file("guest.conf"), "name: guest\n")
                            .toString());
            task.put(
                    "log",
                    Files.writeString(scratch.file("task.log"), "a line\n").toString());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return task;
    }

    private Map<String, Object> ofVm(Scratch scratch) {
        Map<String, Object> task = task(scratch, "backup", "qemu");
        task.put("sizes", Map.of(DEVICE, SIZE));
        return task;
    }

    private static GuestDisk disk(Scratch scratch) {
        GuestDisk disk = GuestDisk.start(scratch, DEVICE, "vault", SIZE);
        byte[] data = new byte[5 << 20];
        new Random(7).nextBytes(data);
        disk.write(0, data);
        return disk;
    }

    private static PerlBackupHost backUp(Scratch scratch, Map<String, Object> task, GuestDisk disk) {
        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);
        host.finish(answers -> Map.of(
                DEVICE, disk.begin(Objects.requireNonNull(answers.get(DEVICE))).asHash(disk.size())));
        return host;
    }

    /** The archives that are listed, and no traces of others. */
    private static List<String> archives(Scratch scratch) {
        try (var found = Files.walk(scratch.storage(), 2)) {
            List<String> all = found.filter(
                            path -> path.getFileName().toString().matches("(qemu|lxc)-100-[0-9]+"))
                    .map(path -> path.getFileName() + (isComplete(path) ? "" : " unfinished"))
                    .sorted()
                    .toList();
            assertThat(scratch.storage().resolve(".run"))
                    .satisfiesAnyOf(
                            run -> assertThat(run).doesNotExist(),
                            run -> assertThat(run).isEmptyDirectory());
            return all;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean isComplete(Path archive) {
        try {
            return Files.exists(archive.resolve("complete")) && Files.size(archive.resolve("complete")) > 0;
        } catch (IOException e) {
            return false;
        }
    }

    private byte[] restored(Scratch scratch, String archive) throws IOException {
        Path target = Files.createTempDirectory(scratch.root(), "restored-");
        Map<String, Object> task = task(scratch, "restore", "qemu");
        task.put("volname", "backup/" + archive);
        task.put("to", target.toString());
        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);
        host.finish();
        assertThat(host.said("error")).isEmpty();
        return Files.readAllBytes(target.resolve(DEVICE + ".raw"));
    }

    // ---- the rows of the failure matrix

    @Test
    void aGuestThatIsMissingIsCleanedUpWithoutABegin(Scratch scratch) {
        daemon(scratch);
        Map<String, Object> task = ofVm(scratch);
        task.put("fail", "lock");

        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);

        assertThat(host.finish()).isEmpty();
        assertThat(host.said("error")).containsExactly("the lock failed\n");
        assertThat(host.said("warning")).isEmpty();
        assertThat(archives(scratch)).isEmpty();
    }

    @Test
    void aJobThatCannotBeginIsCleanedUpAndHasNoGuests(Scratch scratch) throws IOException {
        daemon(scratch);
        Map<String, Object> task = ofVm(scratch);
        task.put(
                "scfg",
                Map.of("type", "chainbackup", "path", scratch.file("gone").toString()));

        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);

        assertThat(host.finish()).isEmpty();
        assertThat(host.said("job error")).containsExactly("the path '" + scratch.file("gone") + "' is not there\n");
        assertThat(host.said("archive")).isEmpty();
        assertThat(host.said("warning")).isEmpty();
    }

    @Test
    void aBackupThatCannotBeginIsCleanedUpAndLeavesTheOneBefore(Scratch scratch) throws IOException {
        daemon(scratch);
        GuestDisk disk = disk(scratch);
        backUp(scratch, ofVm(scratch), disk);
        disk.end(true);
        byte[] then = disk.content();
        start--;

        PerlBackupHost host = PerlBackupHost.start(scratch, false, ofVm(scratch));

        assertThat(host.finish()).isEmpty();
        assertThat(host.said("error")).containsExactly("there is a backup 'qemu-100-" + start + "' already\n");
        assertThat(archives(scratch)).containsExactly("qemu-100-" + start);
        assertThat(restored(scratch, "qemu-100-" + start)).isEqualTo(then);
    }

    @Test
    void aBackupThatFailsLeavesNothingAndTheNextOneIsWhole(Scratch scratch) throws IOException {
        daemon(scratch);
        GuestDisk disk = disk(scratch);
        PerlBackupHost host = PerlBackupHost.start(scratch, false, ofVm(scratch));
        host.finish(answers -> {
            Map<String, Object> hash = disk.begin("new").asHash(SIZE);
            hash.put("nbd-path", scratch.file("no-socket").toString());
            return Map.of(DEVICE, hash);
        });
        disk.end(false);
        assertThat(host.said("error")).hasSize(1);
        assertThat(host.said("warning")).isEmpty();
        assertThat(archives(scratch)).isEmpty();

        PerlBackupHost next = backUp(scratch, ofVm(scratch), disk);
        disk.end(true);

        assertThat(next.said("setup")).containsExactly("{" + DEVICE + "=new}");
        assertThat(restored(scratch, archives(scratch).getFirst())).isEqualTo(disk.content());
    }

    enum Late {
        PROTECTED_FLAG("protected flag"),
        END_HOOK("end hook");

        private final String words;

        Late(String words) {
            this.words = words;
        }
    }

    /** QEMU has forgotten by then what was dirty, so what is there is the base of the next one, or none is. */
    @ParameterizedTest
    @EnumSource
    void aFailureAfterTheDataLosesNoChanges(Late late, Scratch scratch) throws IOException {
        daemon(scratch);
        GuestDisk disk = disk(scratch);
        Map<String, Object> task = ofVm(scratch);
        task.put("fail", late.words);
        PerlBackupHost host = backUp(scratch, task, disk);
        assertThat(host.said("error")).containsExactly("the " + late.words + " failed\n");
        disk.end(true);
        disk.write(1 << 20, "written since".getBytes(java.nio.charset.StandardCharsets.US_ASCII));

        backUp(scratch, ofVm(scratch), disk);
        disk.end(true);

        String newest = archives(scratch).getLast();
        assertThat(restored(scratch, newest)).isEqualTo(disk.content());
    }

    @Test
    void aContainersChildThatWasKilledIsNoSuccess(Scratch scratch) throws IOException {
        daemon(scratch);
        Map<String, Object> task = task(scratch, "backup", "lxc");
        Path root = Files.createDirectory(scratch.file("rootfs"));
        // The child waits in the open of a pipe that nobody writes to.
        new ProcessBuilder("mkfifo", root.resolve("pipe").toString())
                .start()
                .onExit()
                .join();
        new ProcessBuilder(
                        "sh",
                        "-c",
                        "cd " + root
                                + "; i=0; while [ $i -lt 3000 ]; do echo $i >file$i; i=$((i+1)); done; chown -R 100000:100000 .")
                .start()
                .onExit()
                .join();
        task.put("directory", root.toString());
        task.put("sources", List.of("./"));
        task.put("root", 100_000);
        task.put("exclude", List.of());
        task.put("tells_child", true);
        PerlBackupHost host = PerlBackupHost.start(scratch, false, task);
        String child = String.valueOf(host.await("child"));

        new ProcessBuilder("kill", "-KILL", child).start().onExit().join();
        host.finish();

        // It may have been faster than the signal; then the archive is complete.
        if (host.said("warning").contains("the child said nothing")) {
            assertThat(host.said("error")).as("it is a failure all the same").hasSize(1);
            assertThat(archives(scratch)).as("and leaves nothing unfinished").allMatch(name -> !name.contains(" "));
        } else {
            assertThat(archives(scratch)).hasSize(1);
        }
    }

    /** An NBD server that accepts and says nothing. */
    private static ServerSocketChannel silent(Path socket) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        return server;
    }

    private PerlBackupHost hanging(Scratch scratch, Path socket) {
        PerlBackupHost host = PerlBackupHost.start(scratch, false, ofVm(scratch));
        host.await("setup");
        host.say(Map.of(DEVICE, Map.of("size", SIZE, "bitmap-mode", "new", "nbd-path", socket.toString())));
        host.await("log");
        return host;
    }

    @Test
    void aJobThatIsStoppedEndsWithPvesWordsAndLeavesNothing(Scratch scratch) throws IOException {
        daemon(scratch);
        Path socket = scratch.file("silent.sock");
        try (ServerSocketChannel _ = silent(socket)) {
            PerlBackupHost host = hanging(scratch, socket);

            host.process().destroy();

            assertThat(host.finish()).isEmpty();
            assertThat(host.said("error")).containsExactly(INTERRUPTED);
            assertThat(host.said("job error")).containsExactly(INTERRUPTED);
            assertThat(host.said("warning")).isEmpty();
            assertThat(archives(scratch)).isEmpty();
        }
    }

    @Test
    void aHostThatIsKilledLeavesNoProcessAndNoArchive(Scratch scratch) throws IOException {
        DaemonProcess daemon = daemon(scratch);
        Path socket = scratch.file("silent.sock");
        try (ServerSocketChannel _ = silent(socket)) {
            int before = daemon.members().size();
            PerlBackupHost host = hanging(scratch, socket);
            assertThat(daemon.members()).hasSizeGreaterThan(before);

            ProcessHandle worker = host.process();
            worker.destroyForcibly();
            worker.onExit().join();

            Awaitility.await("the provider's process ends")
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> daemon.members().size() <= before);
            assertThat(Files.exists(scratch.storage().resolve("100/qemu-100-" + start + "/complete")))
                    .isFalse();
            assertThat(daemon.log()).contains("tenon backup end-access --storage vault --vmid 100");
        }
        GuestDisk disk = disk(scratch);
        backUp(scratch, ofVm(scratch), disk);
        disk.end(true);
        assertThat(archives(scratch)).as("the next job tidies up").contains("qemu-100-" + start);
        assertThat(restored(scratch, "qemu-100-" + start)).isEqualTo(disk.content());
    }

    @Test
    void aDaemonThatIsStartedAnewFailsTheBackupAndCleansUpAfterIt(Scratch scratch) throws IOException {
        DaemonProcess first = daemon(scratch);
        GuestDisk disk = disk(scratch);
        PerlBackupHost host = PerlBackupHost.start(scratch, false, ofVm(scratch));
        host.await("setup");
        first.kill();
        DaemonProcess second = daemon(scratch);
        host.say(Map.of(DEVICE, disk.begin("new").asHash(SIZE)));

        assertThat(host.finish()).isEmpty();

        disk.end(false);
        assertThat(host.said("error")).singleElement().asString().contains("backup_vm");
        assertThat(host.said("warning")).isEmpty();
        assertThat(archives(scratch)).isEmpty();
        assertThat(second.pid()).isPositive();
    }

    // ---- kill -9 at random moments

    enum Victim {
        HOST,
        DAEMON,
        MEMBER
    }

    record Kill(Victim victim, int number) {}

    static java.util.stream.Stream<Kill> kills() {
        int victims = Victim.values().length;
        int each = Math.ceilDiv(Integer.getInteger("tenon.kills", 6), victims);
        return IntStream.range(0, each)
                .boxed()
                .flatMap(number -> java.util.Arrays.stream(Victim.values()).map(victim -> new Kill(victim, number)));
    }

    @ParameterizedTest
    @MethodSource("kills")
    void aKillAtAnyMomentNeverMakesAnArchiveWithAHole(Kill kill, Scratch scratch) throws IOException {
        DaemonProcess daemon = daemon(scratch);
        GuestDisk disk = disk(scratch);
        backUp(scratch, ofVm(scratch), disk);
        disk.end(true);
        disk.write(2 << 20, new byte[] {1, 2, 3});
        byte[] now = disk.content();

        PerlBackupHost host = PerlBackupHost.start(scratch, false, ofVm(scratch));
        String name = String.valueOf(host.await("archive"));
        long delay = new Random(kill.number() * 31L + kill.victim().name().length()).nextLong(400);
        Consumer<PerlBackupHost> killing = victim -> {
            switch (kill.victim()) {
                case HOST -> victim.kill();
                case DAEMON -> daemon.kill();
                case MEMBER -> daemon.members().forEach(ProcessHandle::destroyForcibly);
            }
        };
        Thread killer = Thread.ofPlatform().start(() -> {
            java.util.concurrent.locks.LockSupport.parkNanos(
                    Duration.ofMillis(delay).toNanos());
            killing.accept(host);
        });
        boolean[] isShown = {false};
        Optional<String> made;
        try {
            made = host.finish(answers -> {
                isShown[0] = true;
                return Map.of(
                        DEVICE,
                        disk.begin(Objects.requireNonNull(answers.get(DEVICE))).asHash(disk.size()));
            });
        } catch (AssertionError | java.io.UncheckedIOException e) {
            made = Optional.empty();
        }
        join(killer);
        boolean isCommitted = host.said("data").contains("done");
        if (isShown[0]) {
            disk.end(isCommitted);
        }
        if (kill.victim() == Victim.DAEMON) {
            daemon(scratch);
        }
        if (isCommitted || made.isPresent()) {
            assertThat(restored(scratch, name)).as("what is told to be there").isEqualTo(now);
        }
        disk.write(3 << 20, new byte[] {4, 5, 6});
        PerlBackupHost next = backUp(scratch, ofVm(scratch), disk);
        disk.end(true);
        assertThat(next.said("error")).isEmpty();
        assertThat(restored(scratch, next.said("archive").getFirst())).isEqualTo(disk.content());
        assertNothingIsLeft(scratch);
    }

    /** No mount, and no process that shows or reads a disk; what it ran in is asserted with the archives. */
    private static void assertNothingIsLeft(Scratch scratch) throws IOException {
        assertThat(archives(scratch)).isNotEmpty();
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .doesNotContain(scratch.storage().toString());
        Awaitility.await("the end of what the provider started")
                .atMost(Duration.ofSeconds(30))
                .until(() -> ProcessHandle.allProcesses()
                        .filter(process -> process.info()
                                .commandLine()
                                .filter(words -> words.contains(scratch.storage() + "/"))
                                .isPresent())
                        .toList()
                        .isEmpty());
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
