package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.backup.host.BackupRequest;
import dev.tenon.core.backup.host.BackupRun;
import dev.tenon.core.backup.host.ContainerRequest;
import dev.tenon.core.backup.host.MadeBackup;
import dev.tenon.core.backup.host.RestoreRequest;
import dev.tenon.core.backup.host.RestoreRun;
import dev.tenon.core.command.Command;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.tck.backup.BackupProviderContract;
import dev.tenon.tck.backup.BackupSubject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@link ProviderExamplesTest} runs in a guest; it mounts, and writes into {@code /etc} and {@code /run}. The file is long
 * because both examples are set up, driven and compared in it by the same steps.
 */
final class ProviderExamples {
    private static final StorageId STORAGE = new StorageId("examples");
    private static final Path CUSTOM = Path.of("PVE", "Storage", "Custom");

    /** A file system that keeps attributes and access lists, which that in memory does not. */
    private static final Path DISK = Path.of("/mnt/examples");

    private static final long CONTAINER_ROOT = 100_000;

    private static final RawConfig FIREWALL =
            RawConfig.of("[OPTIONS]\n\nenable: 1\n".getBytes(StandardCharsets.US_ASCII));

    private ProviderExamples() {}

    /** The file of a plugin somewhere beneath a directory. */
    static Path plugin(Path directory, String name) {
        try (Stream<Path> files = Files.walk(directory, CUSTOM.getNameCount() + 2)) {
            return files.filter(file -> file.endsWith(CUSTOM.resolve(name)))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("there is no " + name + " beneath " + directory));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path libraryOf(Path plugin) {
        Path library = plugin.toAbsolutePath();
        for (int i = 0; i <= CUSTOM.getNameCount(); i++) {
            library = library.resolve("..");
        }
        return library.normalize();
    }

    private static String run(String... command) {
        return Command.of(command).run();
    }

    private static void prepare(String... modules) throws IOException {
        assertThat(System.getenv("TENON_GUEST")).as("this is a guest").isNotBlank();
        for (String module : modules) {
            run("busybox", "modprobe", module);
        }
        if (!Files.exists(DISK)) {
            Files.createDirectories(DISK);
            run("mkfs.ext4", "-q", "/dev/ubda");
            run("mount", "-n", "-t", "ext4", "/dev/ubda", DISK.toString());
        }
    }

    /** One that the root of a container may pass. */
    static Path directory(String prefix) throws IOException {
        return Files.setPosixFilePermissions(
                Files.createTempDirectory(DISK, prefix), PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** An example in its sidecar. */
    static StoragePlugin example(Scratch scratch, String plugin) {
        return SidecarHost.start(scratch, plugin(Path.of(System.getProperty("tenon.examples")), plugin))
                .plugin();
    }

    /** A storage of an example. */
    private static final class Host {
        private final Scratch scratch;
        private final StorageService service;
        private final List<String> said = Collections.synchronizedList(new ArrayList<>());

        Host(Scratch scratch, String plugin, String type, Map<String, String> settings) throws IOException {
            this.scratch = scratch;
            Map<String, StoragePlugin> types = Map.of(type, example(scratch, plugin));
            Path configuration = Files.writeString(
                    scratch.file("storage.cfg"),
                    type + ": " + STORAGE + "\n"
                            + settings.entrySet().stream()
                                    .map(each -> "\t" + each.getKey() + " " + each.getValue() + "\n")
                                    .collect(Collectors.joining()));
            ConfigStore configs = new ConfigStore(configuration, types, Locks.forFile(configuration));
            service = new StorageService(
                    configs::current,
                    types,
                    "here",
                    new Locks(scratch.file("lock"), null),
                    Runnable::run,
                    Permissions.ALL);
        }

        /** Archives are named by the second. */
        private BackupRun run(int guest) {
            long second = Instant.now().getEpochSecond();
            Awaitility.await("the next second").until(() -> Instant.now().getEpochSecond() > second);
            BackupRequest request = new BackupRequest(
                    STORAGE,
                    new Vmid(guest),
                    new GuestConfigs(BackupHost.CONFIG, Optional.of(FIREWALL)),
                    BackupLimits.NONE,
                    null,
                    false,
                    null);
            return new BackupRun(service, request, scratch.runtime(), (level, line) -> said.add(level + " " + line));
        }

        MadeBackup backUp(Path disk) {
            return run(100).ofVm(BackupHost.opener(disk));
        }

        MadeBackup backUpContainer(Path root) {
            return run(101).ofContainer(new ContainerRequest(root, List.of("/var/tmp/?*")));
        }

        Path restore(VolumeId archive, Path directory) {
            RestoreRequest request = new RestoreRequest(archive, directory, Map.of(), OptionalLong.empty());
            new RestoreRun(service, request, (level, line) -> said.add(level + " " + line), CopyProgress.NONE).run();
            return directory;
        }

        List<String> archives() {
            return service.listVolumes(STORAGE, null, Set.of()).stream()
                    .map(listed -> listed.volume().volid().toString())
                    .toList();
        }
    }

    private static Path qcow2(Scratch scratch) {
        Path image = scratch.file("disk.qcow2");
        run("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "24M");
        BackupHost.write(image, 7, "1M", "5M");
        BackupHost.write(image, 8, "23M", "1M");
        return image;
    }

    private static Path contentOf(Path image, Path raw) {
        run("qemu-img", "convert", "-O", "raw", image.toString(), raw.toString());
        return raw;
    }

    private static void assertRestored(Path directory, Path content) throws IOException {
        assertThat(Files.mismatch(directory.resolve("drive-scsi0.raw"), content))
                .isEqualTo(-1);
        assertThat(directory.resolve("qemu-server.conf")).hasBinaryContent(BackupHost.CONFIG.bytes());
    }

    /** What is restored of a container whose root is a user without rights here, beside what there was. */
    private interface Told {
        String of(Path root, long rootId);
    }

    private static void assertContainerComesBack(Host host, Told told) throws IOException {
        Path root = ContainerRunTest.tree(directory("rootfs-"), CONTAINER_ROOT);
        String before = told.of(root, CONTAINER_ROOT);

        MadeBackup made = host.backUpContainer(root);
        Path restored = host.restore(made.volume(), directory("restored-").resolve("here"));

        assertThat(told.of(restored.resolve("rootfs"), 0)).isEqualTo(before);
        assertThat(restored.resolve("rootfs/var/tmp/left-out")).doesNotExist();
        assertThat(restored.resolve("pct.conf")).hasBinaryContent(BackupHost.CONFIG.bytes());
        assertThat(restored.resolve("pct.fw")).hasBinaryContent(FIREWALL.bytes());
        assertThat(Files.readString(Path.of("/proc/self/mounts")))
                .as("what is still mounted")
                .doesNotContain("vzsnap0", "borg-plugin", "backup-provider-example");
    }

    /** Beside the sockets of the sidecar. */
    private static void assertNothingIsLeft(Scratch scratch) throws IOException {
        try (Stream<Path> files = Files.list(scratch.runtime())) {
            assertThat(files.map(file -> file.getFileName().toString())).noneMatch(name -> name.startsWith("backup-"));
        }
    }

    /** The provider that keeps a directory of qcow2 images for each backup. */
    static class OfDirectories {
        static final String PLUGIN = "BackupProviderDirExamplePlugin.pm";

        static final String TYPE = "backup-provider-dir-example";

        private static Host host(Scratch scratch, Map<String, String> more) throws IOException {
            forgetDevices();
            Map<String, String> settings = new HashMap<>(more);
            settings.put("path", directory("vault-").toString());
            return new Host(scratch, PLUGIN, TYPE, settings);
        }

        @BeforeAll
        static void start() throws IOException {
            prepare("squashfs", "fuse");
            // As many as the example itself advises: one that it has used is not used again for a minute.
            run("busybox", "modprobe", "nbd", "nbds_max=128");
            // PVE has them.
            Files.createDirectories(Path.of("/run/qemu-server"));
            Files.createDirectories(Path.of("/run/lock/qemu-server"));
        }

        /** Where the socket of an earlier device is left, the example calls a function that it does not import. */
        static void forgetDevices() throws IOException {
            try (DirectoryStream<Path> sockets = Files.newDirectoryStream(Path.of("/run/lock"), "qemu-nbd-nbd*")) {
                for (Path socket : sockets) {
                    Files.delete(socket);
                }
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"nbd", "file-handle"})
        void aDiskIsBackedUpWholeAndThenInPart(String mechanism, Scratch scratch) throws IOException {
            Host host = host(scratch, Map.of("vm-backup-mechanism", mechanism, "vm-backup-mode", "incremental"));
            Path image = qcow2(scratch);
            Path first = contentOf(image, scratch.file("first.raw"));
            MadeBackup whole = host.backUp(image);
            BackupHost.write(image, 9, "9M", "64k");
            Path second = contentOf(image, scratch.file("second.raw"));
            MadeBackup part = host.backUp(image);

            assertThat(whole.disks()).containsEntry(BackupHost.DISK, BitmapMode.NEW);
            assertThat(part.disks()).containsEntry(BackupHost.DISK, BitmapMode.REUSE);
            assertThat(part.archiveSize().bytes())
                    .as("that of what changed, beside the whole disk")
                    .isLessThan(whole.archiveSize().bytes() / 2);
            assertThat(host.archives())
                    .contains(whole.volume().toString(), part.volume().toString());
            assertRestored(host.restore(whole.volume(), scratch.file("restored-1")), first);
            assertRestored(host.restore(part.volume(), scratch.file("restored-2")), second);
            assertThat(host.said).anyMatch(line -> line.endsWith("job cleanup called"));
            try (Stream<Path> devices = Files.list(Path.of("/sys/block"))) {
                assertThat(devices.filter(device -> Files.exists(device.resolve("pid")))
                                .toList())
                        .as("devices that are still connected")
                        .isEmpty();
            }
        }

        @Test
        void aContainerIsRestoredFromATarArchive(Scratch scratch) throws IOException {
            assertContainerComesBack(host(scratch, Map.of()), ContainerRunTest::told);
        }
    }

    /** The provider that keeps a directory of images keeps the contract, but for what its makers left for others to do. */
    @ParameterizedClass
    @ValueSource(strings = {"nbd", "file-handle"})
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    static class ContractOfDirectories extends BackupProviderContract {
        private static final Map<String, String> LIMITS = Map.ofEntries(
                Map.entry("anArchiveWithoutItsDataIsNotListed", "the directory that a backup begins with is listed"),
                Map.entry("notesAreKeptFromWhenTheDataAreThere", "it keeps no notes"),
                Map.entry("anArchiveThatIsProtectedIsNotRemoved", "it protects nothing, and removes nothing"),
                Map.entry("aDiskOfAnotherSizeIsNoBase", "it does not look at the size of the image that it builds on"),
                Map.entry("aBackupThatWasRemovedIsNoBase", "it removes nothing"),
                Map.entry("aBackupWithoutDataIsNoSuccess", "it takes whatever is there for the backup"),
                Map.entry(
                        "anArchiveIsABaseOnlyIfItIsThereAfterALateFailure",
                        "it removes the backup and builds on the one before, though the bitmap was begun anew"),
                Map.entry("whatIsNotThereIsSaidBeforeAnythingIsLost", "it removes nothing"),
                Map.entry("aContainerWhoseChildEndedTooEarlyIsNoSuccess", "it takes whatever is there for the backup"));

        @Parameter
        String mechanism = "";

        private @Nullable StoragePlugin plugin;
        private @Nullable BackupSubject subject;

        @BeforeAll
        void start(Scratch scratch) throws IOException {
            OfDirectories.start();
            plugin = example(scratch, OfDirectories.PLUGIN);
        }

        @BeforeEach
        void make(Scratch scratch) throws IOException {
            OfDirectories.forgetDevices();
            subject = new BackupSubject(
                    Objects.requireNonNull(plugin),
                    Storage.of(
                            STORAGE.value(),
                            OfDirectories.TYPE,
                            Map.of(
                                    "path",
                                    directory("vault-").toString(),
                                    "vm-backup-mechanism",
                                    mechanism,
                                    "vm-backup-mode",
                                    "incremental")),
                    scratch.runtime(),
                    true,
                    false,
                    true,
                    LIMITS);
        }

        @Override
        protected BackupSubject subject() {
            return Objects.requireNonNull(subject);
        }
    }

    /** The provider that calls Borg keeps the contract, but for what its makers left for others to do. */
    @TestInstance(TestInstance.Lifecycle.PER_CLASS)
    static class ContractOfBorg extends BackupProviderContract {
        private static final String LISTS_NOTHING = "its list of archives calls a function that it does not import";

        private static final Map<String, String> LIMITS = Map.ofEntries(
                Map.entry("anArchiveIsListedOnceItsDataAreThere", LISTS_NOTHING),
                Map.entry("aContainersArchiveIsListedAsSuch", LISTS_NOTHING),
                Map.entry("anArchiveHasASize", LISTS_NOTHING),
                Map.entry("notesAreKeptFromWhenTheDataAreThere", "it keeps no notes"),
                Map.entry("anArchiveThatIsProtectedIsNotRemoved", "it protects nothing"),
                Map.entry("aConfigurationNeedNotEndInALine", "it reads a configuration by lines and ends each"),
                Map.entry("aBackupThatFailsLeavesNoArchive", "it takes a disk that ends early for a smaller one"),
                Map.entry("aBackupWithoutDataIsNoSuccess", "it does not look whether there is an archive"),
                Map.entry(
                        "aContainerWhoseChildEndedTooEarlyIsNoSuccess", "it does not look whether there is an archive"),
                Map.entry("whateverCleansUpMayComeTwiceAndFirst", "it closes what only a job's begin opens"));

        private @Nullable StoragePlugin plugin;
        private @Nullable BackupSubject subject;

        @BeforeAll
        void start(Scratch scratch) throws IOException {
            OfBorg.start();
            plugin = example(scratch, OfBorg.PLUGIN);
        }

        @BeforeEach
        void make(Scratch scratch) throws IOException {
            subject = new BackupSubject(
                    Objects.requireNonNull(plugin),
                    Storage.of(STORAGE.value(), OfBorg.TYPE, Map.copyOf(OfBorg.settings(scratch))),
                    scratch.runtime(),
                    false,
                    false,
                    true,
                    LIMITS);
        }

        @AfterAll
        static void stop() {
            OfBorg.stop();
        }

        @Override
        protected BackupSubject subject() {
            return Objects.requireNonNull(subject);
        }
    }

    /** The provider that calls Borg, over the SSH of this machine. */
    static class OfBorg {
        static final String PLUGIN = "BorgBackupPlugin.pm";
        static final String TYPE = "borg";
        private static final Path SECRETS = Path.of("/etc/pve/priv/storage");
        private static Path home = Path.of("/");
        private static @Nullable Process server;

        @BeforeAll
        static void start() throws IOException {
            prepare("fuse");
            // What this machine's user has run at each login has no part in this, and may take longer than a backup.
            Files.deleteIfExists(Path.of(System.getProperty("user.home"), ".bashrc"));
            home = Files.createTempDirectory(DISK, "borg-");
            Files.createDirectories(SECRETS);
            Files.createDirectories(Path.of("/run/sshd"));
            for (String key : List.of("host", "user")) {
                run(
                        "ssh-keygen",
                        "-q",
                        "-t",
                        "ed25519",
                        "-N",
                        "",
                        "-f",
                        home.resolve(key).toString());
            }
            Files.copy(
                    home.resolve("user"), SECRETS.resolve(STORAGE + ".ssh.key"), StandardCopyOption.REPLACE_EXISTING);
            server = new ProcessBuilder(
                            "/usr/sbin/sshd",
                            "-D",
                            "-f",
                            "/dev/null",
                            "-p",
                            "2222",
                            "-o",
                            "ListenAddress=127.0.0.1",
                            "-o",
                            "HostKey=" + home.resolve("host"),
                            "-o",
                            "AuthorizedKeysFile=" + home.resolve("user.pub"),
                            "-o",
                            "StrictModes=no",
                            "-o",
                            "PermitRootLogin=yes",
                            "-o",
                            "UsePAM=no")
                    .redirectErrorStream(true)
                    .redirectOutput(home.resolve("sshd.log").toFile())
                    .start();
            Awaitility.await("sshd").atMost(Duration.ofMinutes(1)).until(() -> {
                try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), 2222)) {
                    return true;
                } catch (IOException e) {
                    return false;
                }
            });
        }

        @AfterAll
        static void stop() {
            Objects.requireNonNull(server).destroy();
        }

        private static Host host(Scratch scratch) throws IOException {
            return new Host(scratch, PLUGIN, TYPE, settings(scratch));
        }

        /** Those of a storage with a new repository. */
        private static Map<String, String> settings(Scratch scratch) throws IOException {
            Path repository = Files.createTempDirectory(scratch.root(), "repository-");
            Command.of("borg", "init", "-e", "none", repository.toString()).run();
            String key = "[127.0.0.1]:2222 " + Files.readString(home.resolve("host.pub"));
            return Map.of(
                    "repository-path",
                    repository.toString(),
                    "server",
                    "127.0.0.1",
                    "port",
                    "2222",
                    "username",
                    "root",
                    "ssh-private-key",
                    "1",
                    "ssh-server-public-keys",
                    Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.US_ASCII)));
        }

        @Test
        void aDiskIsRestoredAsItWas(Scratch scratch) throws IOException {
            Host host = host(scratch);
            Path image = qcow2(scratch);
            Path content = contentOf(image, scratch.file("content.raw"));

            MadeBackup made = host.backUp(image);
            assertRestored(host.restore(made.volume(), scratch.file("restored")), content);

            assertNothingIsLeft(scratch);
            assertThat(run("losetup", "-a")).isBlank();
        }

        @Test
        void aContainerIsRestoredAsItWas(Scratch scratch) throws IOException {
            assertContainerComesBack(host(scratch), ContainerRunTest::toldOfFiles);
        }
    }
}
