package dev.tenon.core.storage.mounted.nfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.FakeHost;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the type declares, and how it is mounted and unmounted. */
class NfsPluginTest {
    @TempDir
    Path scratch;

    private FakeHost host;
    private NfsPlugin plugin;
    private Path path;

    @BeforeEach
    void prepare() {
        host = FakeHost.in(scratch.resolve("host"));
        plugin = new NfsPlugin(host.host());
        path = scratch.resolve("mnt/store");
    }

    private Storage storage(String... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("path", path.toString());
        properties.put("server", "nas.example.org");
        properties.put("export", "/export/vm");
        properties.put("content", Map.of("images", "1"));
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return Storage.of("store", "nfs", properties);
    }

    @Test
    void declaresWhatPveDeclares() {
        assertThat(plugin.type()).isEqualTo("nfs");
        assertThat(plugin.pluginData().content())
                .containsExactlyInAnyOrder("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import");
        assertThat(plugin.pluginData().defaultContent()).containsExactly("images");
        assertThat(plugin.pluginData().formats()).containsExactlyInAnyOrder("raw", "qcow2", "vmdk");
        assertThat(plugin.pluginData().sensitiveProperties()).isEmpty();
        assertThat(plugin.properties()).containsOnlyKeys("export", "server");
        PropertyOption fixed = new PropertyOption(false, true);
        assertThat(plugin.options())
                .containsEntry("path", fixed)
                .containsEntry("server", fixed)
                .containsEntry("export", fixed)
                .containsEntry("options", new PropertyOption(true, false))
                .containsEntry("snapshot-as-volume-chain", new PropertyOption(true, true))
                .containsKeys("content-dirs", "nodes", "disable", "prune-backups", "max-protected-backups")
                .containsKeys("content", "format", "mkdir", "create-base-path", "create-subdirs", "bwlimit")
                .containsKey("preallocation")
                .hasSize(17);
    }

    @Test
    void isMountedBelowMntPveUnlessItIsConfiguredElsewhere() {
        StorageId id = new StorageId("store");
        Map<String, Object> properties = Map.of("type", "nfs", "server", "nas", "export", "/e");

        assertThat(plugin.checkConfig(id, properties, true)).containsEntry("path", "/mnt/pve/store");
        assertThat(plugin.checkConfig(id, Map.of("path", "/srv/x", "server", "nas", "export", "/e"), true))
                .containsEntry("path", "/srv/x");
        assertThat(plugin.checkConfig(id, Map.of("options", "soft"), false)).containsOnlyKeys("options");
        Failing.isRefused(
                () -> plugin.checkConfig(id, Map.of("server", "nas"), true),
                StorageError.BAD_CONFIG,
                "missing value for required option 'export'");
    }

    @Test
    void mountsWhatItsConfigurationSays() {
        activate(storage());

        assertThat(host.calls()).containsExactly("mount|-t|nfs|nas.example.org:/export/vm|" + path);
        assertThat(path.resolve("images")).isDirectory();
    }

    @Test
    void mountsWithItsOptionsFromAnAddress() {
        activate(storage("server", "fd00::1", "options", "vers=4.2,soft"));

        assertThat(host.calls()).containsExactly("mount|-t|nfs|[fd00::1]:/export/vm|" + path + "|-o|vers=4.2,soft");
    }

    @Test
    void isActiveInTheOperationThatMountedIt() {
        OperationCache operation = OperationCache.create();

        assertThat(plugin.status(storage(), operation)).isInstanceOf(StorageStatus.Inactive.class);
        plugin.activateStorage(storage(), operation);
        assertThat(plugin.status(storage(), operation)).isInstanceOf(StorageStatus.Active.class);
        plugin.deactivateStorage(storage(), operation);
        assertThat(plugin.status(storage(), operation)).isInstanceOf(StorageStatus.Inactive.class);
        assertThat(host.calls()).hasSize(2).last().isEqualTo("umount|" + path);
    }

    @Test
    void isMountedOnceHoweverManyActivateIt() throws InterruptedException {
        CountDownLatch go = new CountDownLatch(1);
        Thread[] threads = new Thread[8];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = Thread.ofVirtual().start(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                activate(storage());
            });
        }
        go.countDown();
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(host.calls()).hasSize(1);
    }

    @Test
    void isNotTouchedWhereItIsMountedButGone() {
        host.mounts("nas.example.org:/export/vm", path, "nfs4");

        Failing.isRefused(
                () -> activate(storage()),
                StorageError.STORAGE_UNAVAILABLE,
                "unable to activate storage 'store' - directory '" + path + "' does not exist or is unreachable");
        assertThat(path).doesNotExist();
        assertThat(host.calls()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "nas.example.org:/export/vm/, nfs,  true",
        "nas.example.org:/export/vm,  nfs4, true",
        "nas.example.org:/export/v,   nfs,  false",
        "other:/export/vm,            nfs,  false",
        "nas.example.org:/export/vm,  ext4, false"
    })
    void knowsWhatIsMountedForItself(String source, String type, boolean isMounted) throws IOException {
        Files.createDirectories(path);
        host.mounts(source, path, type);

        assertThat(plugin.status(storage(), OperationCache.create()) instanceof StorageStatus.Active)
                .isEqualTo(isMounted);
    }

    @ParameterizedTest
    @CsvSource({"create-base-path", "mkdir"})
    void doesNotMakeItsMountPointIfItMayNot(String property) {
        Failing.isRefused(
                () -> activate(storage(property, "0")),
                StorageError.STORAGE_UNAVAILABLE,
                "unable to activate storage 'store' - directory '" + path + "' does not exist");
        assertThat(path).doesNotExist();
        assertThat(host.calls()).isEmpty();
    }

    @Test
    void tellsWhyItCannotBeMounted() {
        host.fails("mount", "mount.nfs: trying\nmount.nfs: access denied by server\n");

        Failing.fails(
                () -> activate(storage()),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "mount error: mount.nfs: access denied by server");
        assertThat(path).isEmptyDirectory();
    }

    @Test
    void tellsWhatToInstallWhereTheHelperOfMountIsMissing() {
        host.lacks("mount.nfs");
        host.fails("mount", "mount: " + path + ": bad option; you might need a /sbin/mount.<type> helper program.\n");
        String hint = Files.exists(Path.of("/sbin/mount.nfs")) ? "" : "; install the package nfs-common";

        Failing.fails(
                () -> activate(storage()),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "helper program." + hint);
    }

    @Test
    void isUnmountedAsOftenAsItIsMounted() {
        host.stacks("nas.example.org:/export/vm", path, "nfs4");
        plugin.deactivateStorage(storage(), OperationCache.create());

        assertThat(host.calls()).containsExactly("umount|" + path, "umount|" + path);
    }

    @Test
    void tellsThatItIsStillUsed() {
        activate(storage());
        host.fails("umount", "umount: " + path + ": target is busy.\n");

        Failing.fails(
                () -> plugin.deactivateStorage(storage(), OperationCache.create()),
                StorageError.IN_USE,
                Outcome.FAILED_CLEAN,
                "umount error: umount: " + path + ": target is busy.");
    }

    @Test
    void leavesAloneWhatIsMountedThereForSomebodyElse() {
        host.mounts("other:/export", path, "nfs4");

        plugin.deactivateStorage(storage(), OperationCache.create());

        assertThat(host.calls()).isEmpty();
    }

    @Test
    void usesWhatTheKernelHasReallyMounted() throws IOException {
        assumeTrue(FileStatus.of(Path.of("/proc/self")).owner() == 0, "only root can mount");
        Path export = Files.createDirectories(scratch.resolve("export"));
        host.binds(export);
        Storage storage = storage();
        activate(storage);
        try {
            VolumeName volume =
                    plugin.allocImage(storage, new Vmid(100), Format.Image.QCOW2, null, ByteSize.ofKib(1024));

            assertThat(export.resolve("images").resolve(volume.value())).isRegularFile();
        } finally {
            plugin.deactivateStorage(storage, OperationCache.create());
        }
        assertThat(path).isEmptyDirectory();
        Failing.isRefused(
                () -> plugin.volumeSizeInfo(storage, new VolumeName("100/vm-100-disk-0.qcow2"), null),
                StorageError.NOT_FOUND,
                "volume 'store:100/vm-100-disk-0.qcow2' does not exist");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "server;  -oProxyCommand=x; no name or address",
                "server;  a b;              no name or address",
                "server;  '';               has no 'server'",
                "export;  relative;         no absolute path",
                "options; a b;              not a list without blanks"
            })
    void refusesAConfigurationThatCannotBeMounted(String property, String value, String why) {
        Failing.isRefused(() -> activate(storage(property, value)), StorageError.BAD_CONFIG, why);
        Failing.isRefused(() -> activate(storage(property, "a\nb")), StorageError.BAD_CONFIG, "storage 'store'");
        assertThat(host.calls()).isEmpty();
    }

    @Test
    void asksTheServerForItsExports() {
        assertThat(plugin.checkConnection(storage())).isTrue();
        assertThat(host.calls()).containsExactly("showmount|--no-headers|--exports|nas.example.org");

        host.fails("showmount", "clnt_create: RPC: Program not registered\n");
        assertThat(plugin.checkConnection(storage())).isFalse();
    }

    @Test
    void asksAServerOfVersion4WhetherItIsThere() {
        assertThat(plugin.checkConnection(storage("server", "192.0.2.7", "options", "vers=4.2")))
                .isTrue();
        assertThat(plugin.checkConnection(storage("server", "fd00::7", "options", "nfsvers=4")))
                .isTrue();
        assertThat(host.calls())
                .containsExactly("rpcinfo|-T|tcp|192.0.2.7|nfs|4", "rpcinfo|-T|tcp6|fd00:0:0:0:0:0:0:7|nfs|4");
    }

    @Test
    void connectsToAServerOfVersion4ThatTellsNothing() throws IOException {
        host.fails("rpcinfo");
        int port;
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
            assertThat(plugin.checkConnection(storage("server", "127.0.0.1", "options", "vers=4,port=" + port)))
                    .isTrue();
        }
        assertThat(plugin.checkConnection(storage("server", "127.0.0.1", "options", "vers=4,port=" + port)))
                .isFalse();
        assertThat(plugin.checkConnection(storage("server", "127.0.0.1", "options", "vers=4,port=0")))
                .isFalse();
    }

    @Test
    void tellsThatAServerIsNotKnown() {
        Failing.isRefused(
                () -> plugin.checkConnection(storage("server", "nowhere.invalid", "options", "vers=4")),
                StorageError.STORAGE_UNAVAILABLE,
                "hostname lookup 'nowhere.invalid' failed");
        Failing.isRefused(
                () -> plugin.checkConnection(storage("server", "localhost", "options", "vers=4")),
                StorageError.STORAGE_UNAVAILABLE,
                "address lookup for 'localhost' did not find any IP address");
    }

    @Test
    void numbersTheImagesOfEachFormatByThemselves() {
        Storage storage = storage();
        activate(storage);
        Vmid guest = new Vmid(100);

        assertThat(plugin.allocImage(storage, guest, Format.Image.RAW, null, ByteSize.ofKib(64)))
                .hasToString("100/vm-100-disk-0.raw");
        assertThat(plugin.allocImage(storage, guest, Format.Image.QCOW2, null, ByteSize.ofKib(64)))
                .hasToString("100/vm-100-disk-0.qcow2");
        assertThat(plugin.findFreeDiskname(storage, guest, Format.Image.RAW, true))
                .isEqualTo("vm-100-disk-1.raw");
    }

    @Test
    void leavesSnapshotsToQemuAndWithChainsToBoth() {
        VolumeName volume = new VolumeName("100/vm-100-disk-0.qcow2");

        assertThat(plugin.snapshotMethod(storage(), volume)).isEqualTo(SnapshotMethod.QEMU);
        assertThat(plugin.snapshotMethod(storage("snapshot-as-volume-chain", "1"), volume))
                .isEqualTo(SnapshotMethod.MIXED);
    }

    private void activate(Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
    }
}
