package dev.tenon.core.storage.block.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the type says without a cluster; on one it is tested in the integration tests. */
class RbdPluginTest {
    private static final VolumeName DISK = new VolumeName("vm-100-disk-0");
    private static final BlockdevQuery QUERY = new BlockdevQuery(null, null, Hints.NONE);

    @TempDir
    private Path root;

    private RbdPlugin plugin;

    @BeforeEach
    void prepare() throws IOException {
        Files.createDirectories(root.resolve("priv/ceph"));
        plugin = new RbdPlugin(new RbdHost(
                root.resolve("programs"),
                root,
                root.resolve("dev"),
                root.resolve("sys"),
                false,
                new Locks(root, null),
                Duration.ofSeconds(10),
                Duration.ofSeconds(10)));
    }

    private static Storage storage(Map<String, Object> properties) {
        return Storage.of("ceph", "rbd", properties);
    }

    private void hasKey() throws IOException {
        Files.writeString(
                root.resolve("priv/ceph/ceph.keyring"),
                "[client.tenon]\n\tkey = AQBSdFhcAAAAABAAmY0sJ5GqzJc3XzZ0m5X0Ww==\n");
    }

    @Test
    void thePathOfPvesOwnClusterNamesItsConfiguration() throws IOException {
        assertThat(plugin.path(storage(Map.of()), DISK, null).path())
                .isEqualTo("rbd:rbd/vm-100-disk-0:conf=" + root + "/ceph.conf");
        hasKey();
        assertThat(plugin.path(
                                storage(Map.of("pool", "guests", "namespace", "space")),
                                new VolumeName("base-100-disk-0/vm-101-disk-0"),
                                new SnapshotName("one"))
                        .path())
                .isEqualTo("rbd:guests/space/vm-101-disk-0@one:conf=" + root + "/ceph.conf:id=admin:keyring=" + root
                        + "/priv/ceph/ceph.keyring");
    }

    @Test
    void thePathOfAnotherClusterNamesItsMonitors() throws IOException {
        Map<String, Object> properties =
                Map.of("monhost", "10.0.0.1, 10.0.0.2:6789;fd00::1 [fd00::2]:3300", "username", "tenon");
        String monitors = "10.0.0.1;10.0.0.2\\:6789;[fd00\\:\\:1];[fd00\\:\\:2]\\:3300";
        assertThat(plugin.path(storage(properties), DISK, null).path())
                .isEqualTo("rbd:rbd/vm-100-disk-0:mon_host=" + monitors + ":auth_supported=none");
        hasKey();
        assertThat(plugin.path(storage(properties), DISK, null).path())
                .isEqualTo("rbd:rbd/vm-100-disk-0:conf=" + root + "/priv/ceph/ceph.conf:mon_host=" + monitors
                        + ":auth_supported=cephx:id=tenon:keyring=" + root + "/priv/ceph/ceph.keyring");
        assertThat(root.resolve("priv/ceph/ceph.conf")).content().contains("keyring = " + root);
    }

    @Test
    void theOptionsOfQemuAreThoseOfPve() throws IOException {
        hasKey();
        assertThat(plugin.blockdevOptions(
                        storage(Map.of(
                                "monhost", "10.0.0.1,[fd00::2]:6789", "namespace", "space", "username", "tenon")),
                        DISK,
                        new BlockdevQuery(null, new SnapshotName("one"), Hints.NONE)))
                .isEqualTo(Map.of(
                        "driver",
                        "rbd",
                        "pool",
                        "rbd",
                        "namespace",
                        "space",
                        "image",
                        "vm-100-disk-0",
                        "snapshot",
                        "one",
                        "conf",
                        root + "/priv/ceph/ceph.conf",
                        "server",
                        List.of(Map.of("host", "10.0.0.1", "port", "3300"), Map.of("host", "fd00::2", "port", "6789")),
                        "auth-client-required",
                        List.of("cephx"),
                        "user",
                        "tenon"));
    }

    @Test
    void aDeviceOfTheKernelIsNamedByItsCluster() throws IOException {
        String fsid = "b0da2779-5d1e-4eb1-a845-20960d636771";
        Files.writeString(root.resolve("ceph.conf"), "[global]\n fsid = " + fsid + "\n");
        Storage mapped = storage(Map.of("krbd", "1", "pool", "guests"));
        Path named = root.resolve("dev/rbd-pve/" + fsid + "/guests/vm-100-disk-0");
        assertThat(plugin.path(mapped, DISK, null).path()).isEqualTo(named.toString());
        assertThat(plugin.blockdevOptions(mapped, DISK, QUERY))
                .isEqualTo(Map.of("driver", "host_device", "filename", named.toString()));
        assertThat(plugin.snapshotMethod(mapped, DISK)).isEqualTo(SnapshotMethod.STORAGE);
        assertThat(plugin.snapshotMethod(storage(Map.of()), DISK)).isEqualTo(SnapshotMethod.QEMU);
        // As it was mapped before there were names with the cluster in them.
        Files.createDirectories(root.resolve("dev/rbd/guests"));
        Files.createFile(root.resolve("dev/rbd7"));
        Files.createSymbolicLink(root.resolve("dev/rbd/guests/vm-100-disk-0"), root.resolve("dev/rbd7"));
        Files.createDirectories(root.resolve("sys/7"));
        Files.writeString(root.resolve("sys/7/cluster_fsid"), fsid + "\n");
        assertThat(plugin.path(mapped, DISK, null).path()).isEqualTo(root + "/dev/rbd/guests/vm-100-disk-0");
        Files.writeString(root.resolve("sys/7/cluster_fsid"), "another\n");
        assertThat(plugin.path(mapped, DISK, null).path()).isEqualTo(named.toString());
    }

    @Test
    void namesTellTheGuestAndTheBase() {
        assertThat(plugin.parseVolname(new VolumeName("base-100-disk-0/vm-101-disk-1")))
                .isEqualTo(new ParsedVolume.GuestImage(
                        "vm-101-disk-1",
                        new Vmid(101),
                        new ParsedVolume.Base("base-100-disk-0", new Vmid(100)),
                        false,
                        Format.Image.RAW));
        assertThat(plugin.parseVolname(new VolumeName("base-100-disk-0")).isBase())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vm-100",
                "vm-x-disk-0",
                "disk",
                "-100-disk-0",
                "vm-100-a/vm-100-b",
                "vm-100-a@b",
                "vm-100-a:b",
                "base-100-a/base-100-b/vm-100-c",
                "vm-100-a b"
            })
    void otherNamesAreRefused(String name) {
        assertThatThrownBy(() -> plugin.parseVolname(new VolumeName(name)))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.INVALID_NAME));
    }

    @ParameterizedTest
    @CsvSource({"pool,a/b", "pool,-a", "namespace,a@b", "data-pool,a b", "username,a:b", "monhost,;", "nopath,x"})
    void valuesThatMeanAnotherPlaceAreRefused(String property, String value) {
        assertThatThrownBy(() -> plugin.checkConfig(new StorageId("ceph"), Map.of(property, value), true))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.BAD_CONFIG));
    }

    @Test
    void aKeyringThatIsNoneIsRefused() throws IOException {
        Files.writeString(root.resolve("priv/ceph/ceph.keyring"), "something\n");
        assertThatThrownBy(() -> plugin.path(storage(Map.of()), DISK, null))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("Not a proper rbd authentication file: ");
    }
}
