package dev.tenon.it.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.backup.host.BackupRequest;
import dev.tenon.core.backup.host.BackupRun;
import dev.tenon.core.backup.host.ContainerRequest;
import dev.tenon.core.backup.host.DiskOpener;
import dev.tenon.core.backup.host.GuestDisks;
import dev.tenon.core.backup.host.RestoreRequest;
import dev.tenon.core.backup.host.RestoreRun;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.image.CopyProgress;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.GuestDisk;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlBackupHost;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ShelfPlugin;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Guests of every kind are backed up and restored by hosts and providers of both dialects, on every way between them, and
 * are what they were. No host of the draft was ever released: that one is a driver of ours. The file is long because every
 * way makes, compares and restores the same guests.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BackupMatrixTest {
    private static final String DEVICE = "drive-scsi0";
    private static final int SIZE = (12 << 20) + 512;
    private static final byte[] CONFIG =
            "name: caf\u00e9\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n".getBytes(StandardCharsets.ISO_8859_1);
    private static final byte[] FIREWALL = "[OPTIONS]\n\nenable: 1\n".getBytes(StandardCharsets.US_ASCII);

    enum Dialect {
        MERGED,
        DRAFT
    }

    enum Kind {
        VM_NBD("nbd"),
        VM_FILE_HANDLE("file-handle"),
        CONTAINER("directory");

        private final String mechanism;

        Kind(String mechanism) {
            this.mechanism = mechanism;
        }
    }

    enum Depth {
        FULL,
        INCREMENTAL
    }

    enum Way {
        /** The host's process has loaded the provider. */
        IN_PROCESS,
        /** A host in Java has it in a sidecar. */
        SIDECAR,
        /** A host in Perl has a proxy, whose daemon has it in a sidecar. */
        ADOPTED,
        /** A host in Perl has a proxy, whose daemon has a provider in Java. */
        JAVA
    }

    record Cell(Dialect host, Dialect provider, Kind kind, Depth depth, Way way) {
        /** Why there is no such thing. */
        Optional<String> nonsense() {
            if (kind == Kind.CONTAINER && depth == Depth.INCREMENTAL) {
                return Optional.of("the files of a container have no dirty bitmap");
            }
            if (way == Way.JAVA && provider == Dialect.DRAFT) {
                return Optional.of("a provider in Java has no dialect; it is counted as merged");
            }
            if (way == Way.SIDECAR && host == Dialect.DRAFT) {
                return Optional.of("a host in Java has no dialect; it is counted as merged");
            }
            return Optional.empty();
        }

        /** The cells that one test is about: an incremental backup follows a full one. */
        Series series() {
            return new Series(host, provider, kind, way);
        }
    }

    record Series(Dialect host, Dialect provider, Kind kind, Way way) {
        String plugin() {
            return way == Way.JAVA
                    ? "shelf-" + kind.mechanism
                    : provider == Dialect.DRAFT ? "DraftBackupPlugin" : "ChainBackupPlugin";
        }

        String type() {
            return way == Way.JAVA ? "shelf" : provider == Dialect.DRAFT ? "draftbackup" : "chainbackup";
        }
    }

    private static Stream<Cell> cells() {
        return Arrays.stream(Dialect.values())
                .flatMap(host -> Arrays.stream(Dialect.values())
                        .flatMap(provider -> Arrays.stream(Kind.values())
                                .flatMap(kind -> Arrays.stream(Depth.values())
                                        .flatMap(depth -> Arrays.stream(Way.values())
                                                .map(way -> new Cell(host, provider, kind, depth, way))))));
    }

    static Stream<Series> series() {
        return cells().filter(cell -> cell.nonsense().isEmpty())
                .map(Cell::series)
                .distinct();
    }

    private final AtomicInteger run = new AtomicInteger();
    private final Map<Dialect, SidecarHost> sidecars = new EnumMap<>(Dialect.class);
    private final List<AutoCloseable> open = new ArrayList<>();
    private @Nullable Path adopted;
    private @Nullable Path java;

    private static Path example(String plugin) {
        return Installation.perlShim().resolve("examples/" + plugin + ".pm");
    }

    @BeforeAll
    void start(Scratch scratch) throws IOException {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files, and owners of files, need root");
        DaemonProcess daemon = DaemonProcess.start(scratch, example("ChainBackupPlugin"), example("DraftBackupPlugin"));
        adopted = daemon.socket();
        java = scratch.runtime().resolve("java.sock");
        UnixSockets sockets = new UnixSockets();
        open.add(Daemon.start(
                sockets,
                java,
                ServedPlugins.ofStorages(Map.of(
                        "shelf-nbd", new ShelfPlugin(BackupMechanism.NBD),
                        "shelf-file-handle", new ShelfPlugin(BackupMechanism.FILE_HANDLE),
                        "shelf-directory", new ShelfPlugin(BackupMechanism.NBD)))));
        open.add(sockets);
        sidecars.put(Dialect.MERGED, SidecarHost.start(scratch, example("ChainBackupPlugin")));
        sidecars.put(Dialect.DRAFT, SidecarHost.start(scratch, example("DraftBackupPlugin")));
    }

    @AfterAll
    void tellTheCount() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        Map<String, Integer> left = new TreeMap<>();
        cells().forEach(cell -> cell.nonsense().ifPresent(reason -> left.merge(reason, 1, Integer::sum)));
        System.out.printf("%nbackup matrix: %d cells, %d of them run%n", cells().count(), run.get());
        left.forEach((reason, count) -> System.out.printf("  %d not: %s%n", count, reason));
    }

    @ParameterizedTest
    @MethodSource("series")
    void aGuestIsRestoredAsItWas(Series series, Scratch scratch) throws IOException {
        Files.write(scratch.file("guest.conf"), CONFIG);
        Files.write(scratch.file("firewall.conf"), FIREWALL);
        Host host = series.way() == Way.SIDECAR ? new JavaHost(series, scratch) : new PerlHost(series, scratch);
        if (series.kind() == Kind.CONTAINER) {
            container(scratch, host);
        } else {
            vm(scratch, host);
        }
    }

    private void vm(Scratch scratch, Host host) throws IOException {
        GuestDisk disk = GuestDisk.start(scratch, DEVICE, host.storeid(), SIZE);
        disk.write(0, random(1, 5 << 20));
        String full = host.backUp(disk, "new");
        byte[] then = disk.content();
        disk.write(8 << 20, random(2, 300_000));
        disk.write(SIZE - 512, random(3, 512));
        byte[] zeroes = new byte[4096];
        disk.write(4096, zeroes);
        String part = host.backUp(disk, "use");
        byte[] now = disk.content();
        disk.write(0, random(4, 100_000));

        Path whole = host.restore(full);
        assertThat(whole.resolve(DEVICE + ".raw")).hasBinaryContent(then);
        run.incrementAndGet();
        Path later = host.restore(part);
        assertThat(later.resolve(DEVICE + ".raw")).hasBinaryContent(now);
        assertConfigs(later, "guest.conf", "qemu-server.conf");
        run.incrementAndGet();
    }

    private void container(Scratch scratch, Host host) throws IOException {
        Path root = ContainerRunTest.tree(scratch, 100_000);
        String before = ContainerRunTest.told(root, 100_000);
        String archive = host.backUp(root);
        ContainerRunTest.assertListsOfIds(scratch.storage());
        Path restored = host.restore(archive);
        Path tree =
                Files.isDirectory(restored.resolve("rootfs")) ? restored.resolve("rootfs") : restored.resolve("tree");
        assertThat(ContainerRunTest.told(tree, 0)).isEqualTo(before);
        assertThat(tree.resolve("var/tmp/left-out")).doesNotExist();
        assertConfigs(restored, "early.conf", "pct.conf");
        run.incrementAndGet();
    }

    /** A host keeps the configurations as it likes. */
    private static void assertConfigs(Path restored, String... names) throws IOException {
        Path config = Arrays.stream(names)
                .map(restored::resolve)
                .filter(Files::exists)
                .findFirst()
                .orElseThrow();
        assertThat(config).hasBinaryContent(CONFIG);
    }

    private static byte[] random(long seed, int size) {
        byte[] data = new byte[size];
        new Random(seed).nextBytes(data);
        return data;
    }

    private abstract static class Host {
        private static final AtomicInteger NUMBERS = new AtomicInteger();
        final Series series;
        final Scratch scratch;
        final String storeid = "matrix-" + ProcessHandle.current().pid() + "-" + NUMBERS.incrementAndGet();
        private int restores;

        Host(Series series, Scratch scratch) {
            this.series = series;
            this.scratch = scratch;
        }

        String storeid() {
            return storeid;
        }

        Map<String, Object> section() {
            Map<String, Object> section = new LinkedHashMap<>();
            section.put("type", series.type());
            section.put("path", scratch.storage().toString());
            if (series.way() != Way.JAVA && series.kind() == Kind.VM_FILE_HANDLE) {
                section.put(series.type() + "-mechanism", "file-handle");
            }
            return section;
        }

        Path target() throws IOException {
            return Files.createDirectory(scratch.file("restored-" + ++restores));
        }

        /** The name of the archive; the provider must want this of the bitmap. */
        abstract String backUp(GuestDisk disk, String wanted) throws IOException;

        abstract String backUp(Path root) throws IOException;

        abstract Path restore(String archive) throws IOException;
    }

    private final class PerlHost extends Host {
        private long start = 1_700_000_000;
        private @Nullable String bitmap;

        PerlHost(Series series, Scratch scratch) {
            super(series, scratch);
        }

        private Map<String, Object> task(String name) {
            Map<String, Object> task = new LinkedHashMap<>();
            task.put("task", name);
            switch (series.way()) {
                case IN_PROCESS -> {
                    task.put("file", example(series.plugin()).toString());
                    task.put("plugin", "PVE::Storage::Custom::" + series.plugin());
                }
                case ADOPTED -> {
                    task.put("socket", Objects.requireNonNull(adopted).toString());
                    task.put("plugin", series.type());
                }
                case JAVA -> {
                    task.put("socket", Objects.requireNonNull(java).toString());
                    task.put("plugin", series.plugin());
                }
                case SIDECAR -> throw new IllegalStateException();
            }
            task.put("storeid", storeid);
            task.put("scfg", section());
            task.put("vmid", 100);
            task.put("type", series.kind() == Kind.CONTAINER ? "lxc" : "qemu");
            task.put("start", ++start);
            task.put("config", scratch.file("guest.conf").toString());
            task.put("firewall", scratch.file("firewall.conf").toString());
            task.put("log", scratch.file("guest.conf").toString());
            return task;
        }

        private PerlBackupHost begin(Map<String, Object> task) {
            return PerlBackupHost.start(scratch, series.host() == Dialect.DRAFT, task);
        }

        @Override
        String backUp(GuestDisk disk, String wanted) {
            Map<String, Object> task = task("backup");
            task.put("sizes", Map.of(DEVICE, disk.size()));
            if (bitmap != null) {
                task.put("bitmap", bitmap);
            }
            PerlBackupHost perl = begin(task);
            Optional<String> name = perl.finish(answers -> {
                assertThat(answers).isEqualTo(Map.of(DEVICE, wanted));
                return Map.of(DEVICE, disk.begin(wanted).asHash(disk.size()));
            });
            disk.end(name.isPresent());
            assertThat(perl.said("mechanism")).containsExactly(series.kind().mechanism);
            assertThat(perl.said("error")).isEmpty();
            assertThat(perl.said("warning")).isEmpty();
            assertThat(perl.said("log")).anyMatch(line -> line.startsWith("info: "));
            bitmap = perl.said("bitmap").stream().findFirst().orElse(null);
            return name.orElseThrow();
        }

        @Override
        String backUp(Path root) {
            Map<String, Object> task = task("backup");
            task.put("directory", root.toString());
            task.put("sources", List.of("./"));
            task.put("root", 100_000);
            task.put("exclude", List.of("/var/tmp/?*", "/dev/?*"));
            PerlBackupHost perl = begin(task);
            Optional<String> name = perl.finish();
            assertThat(perl.said("mechanism")).containsExactly("directory");
            assertThat(perl.said("error")).isEmpty();
            assertThat(perl.said("warning")).isEmpty();
            return name.orElseThrow();
        }

        @Override
        Path restore(String archive) throws IOException {
            Path target = target();
            Map<String, Object> task = task("restore");
            task.put("volname", "backup/" + archive);
            task.put("to", target.toString());
            PerlBackupHost perl = begin(task);
            perl.finish();
            assertThat(perl.said("error")).isEmpty();
            assertThat(target.resolve("early.conf")).hasBinaryContent(CONFIG);
            assertThat(target.resolve("firewall.conf")).hasBinaryContent(FIREWALL);
            return target;
        }
    }

    private final class JavaHost extends Host {
        private final StorageService service;
        private final List<String> said = new ArrayList<>();

        JavaHost(Series series, Scratch scratch) throws IOException {
            super(series, scratch);
            StoragePlugin plugin =
                    Objects.requireNonNull(sidecars.get(series.provider())).plugin();
            Map<String, StoragePlugin> types = Map.of(series.type(), plugin);
            StringBuilder lines = new StringBuilder(series.type() + ": " + storeid + "\n\tcontent backup\n");
            section().forEach((name, value) -> {
                if (!name.equals("type")) {
                    lines.append('\t').append(name).append(' ').append(value).append('\n');
                }
            });
            Path file = Files.writeString(scratch.file("storage.cfg"), lines);
            ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
            service = new StorageService(
                    configs::current,
                    types,
                    "here",
                    new Locks(scratch.file("lock"), null),
                    Runnable::run,
                    Permissions.ALL);
        }

        /** Archives are named by the second. */
        private BackupRun run() {
            long second = Instant.now().getEpochSecond();
            Awaitility.await("the next second").until(() -> Instant.now().getEpochSecond() > second);
            BackupRequest request = new BackupRequest(
                    new StorageId(storeid),
                    new Vmid(100),
                    new GuestConfigs(RawConfig.of(CONFIG), Optional.of(RawConfig.of(FIREWALL))),
                    BackupLimits.NONE,
                    null,
                    false,
                    null);
            TaskLog log = (level, line) -> said.add(level + " " + line);
            return new BackupRun(service, request, scratch.runtime(), log);
        }

        private DiskOpener opener(GuestDisk disk, String wanted) {
            return (work, storage) -> new GuestDisks() {
                private boolean isShown;
                private boolean isDone;

                @Override
                public Map<DeviceName, ByteSize> sizes() {
                    return Map.of(new DeviceName(DEVICE), ByteSize.ofBytes(disk.size()));
                }

                @Override
                public Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) {
                    DeviceName device = new DeviceName(DEVICE);
                    String use = uses.getOrDefault(device, BitmapUse.NONE).word();
                    assertThat(use).isEqualTo(wanted);
                    GuestDisk.Access access = disk.begin(use);
                    isShown = true;
                    return Map.of(
                            device,
                            new BackupDisk(
                                    ByteSize.ofBytes(disk.size()),
                                    BitmapMode.ofWord(access.mode()).orElseThrow(),
                                    new DiskAccess.Nbd(
                                            access.socket(),
                                            DEVICE,
                                            access.bitmapName().isEmpty()
                                                    ? Optional.empty()
                                                    : Optional.of(access.bitmapName()))));
                }

                @Override
                public void committed() {
                    disk.end(true);
                    isDone = true;
                }

                @Override
                public void close() {
                    if (isShown && !isDone) {
                        disk.end(false);
                    }
                }
            };
        }

        @Override
        String backUp(GuestDisk disk, String wanted) {
            return name(run().ofVm(opener(disk, wanted)).volume());
        }

        @Override
        String backUp(Path root) {
            return name(run().ofContainer(new ContainerRequest(root, List.of("/var/tmp/?*")))
                    .volume());
        }

        private String name(VolumeId volume) {
            assertThat(said).anyMatch(line -> line.contains("include disk") || line.contains("archive is"));
            return volume.volume().value().substring("backup/".length());
        }

        @Override
        Path restore(String archive) throws IOException {
            Path target = target();
            RestoreRequest request = new RestoreRequest(
                    VolumeId.parse(storeid + ":backup/" + archive), target, Map.of(), OptionalLong.empty());
            new RestoreRun(service, request, (level, line) -> said.add(level + " " + line), CopyProgress.NONE).run();
            return target;
        }
    }
}
