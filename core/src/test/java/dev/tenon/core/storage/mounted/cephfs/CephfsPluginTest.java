package dev.tenon.core.storage.mounted.cephfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.FakeHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the type declares, how it is mounted by systemd, and where its key is kept. */
class CephfsPluginTest {
    private static final String KEY = "AQBkZXYvdGVub24vY2VwaGZzL3Rlc3Qva2V5MDEyMw==";

    @TempDir
    Path scratch;

    private FakeHost host;
    private CephfsPlugin plugin;
    private Path path;
    private Path secret;

    @BeforeEach
    void prepare() {
        host = FakeHost.in(scratch.resolve("host"));
        plugin = new CephfsPlugin(host.host());
        path = scratch.resolve("ceph-fs");
        secret = host.etc().resolve("priv/ceph/store.secret");
    }

    private Storage storage(String... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("path", path.toString());
        properties.put("content", Map.of("backup", "1"));
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return Storage.of("store", "cephfs", properties);
    }

    private static Secrets keyring(String key) {
        return new Secrets(Map.of("keyring", Optional.of(key)));
    }

    @Test
    void declaresWhatPveDeclares() {
        assertThat(plugin.type()).isEqualTo("cephfs");
        assertThat(plugin.pluginData().content())
                .containsExactlyInAnyOrder("vztmpl", "iso", "backup", "snippets", "import");
        assertThat(plugin.pluginData().defaultContent()).containsExactly("backup");
        assertThat(plugin.pluginData().formats()).isEmpty();
        assertThat(plugin.pluginData().sensitiveProperties()).containsExactly("keyring");
        assertThat(plugin.properties()).containsOnlyKeys("fuse", "fs-name");
        assertThat(plugin.options())
                .containsEntry("path", new PropertyOption(false, true))
                .containsKeys("monhost", "subdir", "username", "fuse", "keyring", "fs-name", "options")
                .doesNotContainKeys("preallocation", "snapshot-as-volume-chain", "shared")
                .hasSize(19);
        assertThat(plugin.checkConfig(new StorageId("store"), Map.of(), true)).containsEntry("path", "/mnt/pve/store");
    }

    @Test
    void isMountedByAUnitOfSystemd() throws IOException {
        Storage storage = storage("monhost", "10.0.0.1 10.0.0.2:6789;fd00::3", "username", "pve", "fs-name", "fs1");
        plugin.onAdd(storage, keyring(KEY));
        activate(storage);

        String unit = path.toString().substring(1).replace("-", "\\x2d").replace("/", "-") + ".mount";
        assertThat(host.calls()).containsExactly("systemctl|start|" + unit);
        assertThat(Files.readAllLines(host.units().resolve(unit)))
                .contains(
                        "[Mount]",
                        "What=10.0.0.1,10.0.0.2:6789,[fd00::3]:/",
                        "Where=" + path,
                        "Type=ceph",
                        "Options=name=pve,secretfile=" + secret + ",fs=fs1",
                        "DefaultDependencies=no",
                        "Before=remote-fs.target umount.target",
                        "Conflicts=umount.target");
        assertThat(plugin.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        assertThat(path.resolve("dump")).isDirectory();
        assertThat(host.units()).isDirectoryNotContaining("glob:**.tmp.*");
    }

    @Test
    void isMountedAnewByTheUnitAsItIsNow() {
        Storage storage = storage("monhost", "a");
        activate(storage);
        plugin.deactivateStorage(storage, OperationCache.create());
        host.calls();
        activate(storage("monhost", "b"));

        assertThat(host.calls()).hasSize(2).first().isEqualTo("systemctl|daemon-reload");
    }

    @Test
    void isMountedByFuseWithTheConfigurationOfItsNode() throws IOException {
        Files.createDirectories(host.etc());
        Files.writeString(host.etc().resolve("ceph.conf"), """
                [global]
                    fsid = 1234 ; of no use here
                    mon host = [v2:10.0.0.9:3300/0,v1:10.0.0.9:6789/0] 10.0.0.8
                # a comment
                [mon.c]
                    mon_addr = "10.0.0.7"
                """);
        activate(storage("fuse", "1", "subdir", "/pve", "options", "noatime,x=100%"));

        assertThat(units())
                .contains(
                        "What=10.0.0.7,10.0.0.8,10.0.0.9:3300,10.0.0.9:6789:/pve",
                        "Type=fuse.ceph",
                        "Options=ceph.id=admin,ceph.conf=" + host.etc().resolve("ceph.conf") + ",noatime,x=100%%");
    }

    @Test
    void usesTheConfigurationOfAClusterElsewhere() throws IOException {
        Path configuration = host.etc().resolve("priv/ceph/store.conf");
        Files.createDirectories(configuration.getParent());
        Files.createFile(configuration);
        activate(storage("monhost", "mon"));

        assertThat(units()).contains("Options=name=admin,conf=" + configuration);
    }

    private List<String> units() throws IOException {
        try (var files = Files.list(host.units())) {
            return Files.readAllLines(files.findFirst().orElseThrow());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.1:/pve,     ceph,           true",
        "'a,b:/pve',        ceph,           true",
        "ceph-fuse,         fuse.ceph-fuse, true",
        "10.0.0.1:/,        ceph,           false",
        "10.0.0.1:/pve,     nfs,            false"
    })
    void knowsWhatIsMountedForItself(String source, String type, boolean isMounted) throws IOException {
        Files.createDirectories(path);
        host.mounts(source, path, type);

        assertThat(plugin.status(storage("subdir", "/pve"), OperationCache.create()) instanceof StorageStatus.Active)
                .isEqualTo(isMounted);
    }

    @Test
    void keepsTheKeyWhereOnlyRootReadsIt() throws IOException {
        Storage storage = storage();
        plugin.onAdd(storage, keyring(KEY + "\n"));
        assertThat(secret).hasContent(KEY + "\n");
        assertThat(FileStatus.of(secret).permissions()).isEqualTo(0400);

        Failing.isRefused(
                () -> plugin.onAdd(storage, Secrets.NONE),
                StorageError.ALREADY_EXISTS,
                "ceph authx keyring file for storage 'store' already exists");
        plugin.onUpdate(storage, new ConfigChange(Map.of(), List.of(), keyring("x" + KEY)));
        assertThat(secret).hasContent("x" + KEY + "\n");
        plugin.onUpdate(
                storage, new ConfigChange(Map.of(), List.of(), new Secrets(Map.of("keyring", Optional.empty()))));
        assertThat(secret).doesNotExist();
        plugin.onDelete(storage);
    }

    @Test
    void takesTheKeyOfTheClusterThatItsNodeIsPartOf() throws IOException {
        plugin.onAdd(storage(), Secrets.NONE);
        assertThat(secret).doesNotExist();

        Files.createDirectories(host.etc().resolve("priv"));
        Files.writeString(
                host.etc().resolve("priv/ceph.client.admin.keyring"),
                "[client.admin]\n\tkey = " + KEY + "\n\tcaps mds = \"allow *\"\n");
        plugin.onAdd(storage(), Secrets.NONE);
        assertThat(secret).hasContent(KEY + "\n");
    }

    @Test
    void takesAKeyOfTheKindAes256k() {
        String key = "AgBkZXYvdGVub24vY2VwaGZzL3Rlc3Qva2V5L29mLzQ0L2J5dGVzMDEyMwQ=";
        plugin.onAdd(storage(), keyring(key));

        assertThat(secret).hasContent(key + "\n");
    }

    @Test
    void refusesAKeyThatIsNone() throws IOException {
        Failing.isRefused(
                () -> plugin.onAdd(storage(), keyring("[client.pve]\nkey = x\n")),
                StorageError.BAD_PARAMETER,
                "is not the key of a user of Ceph");
        assertThat(secret).doesNotExist();

        Files.createDirectories(secret.getParent());
        Files.writeString(secret, "no key\n");
        Failing.isRefused(
                () -> activate(storage("monhost", "a")),
                StorageError.BAD_CONFIG,
                "Not a proper cephfs authentication file: " + secret);
        assertThat(host.calls()).isEmpty();
    }

    @Test
    void tellsWhyItCannotBeMounted() {
        Failing.isRefused(() -> activate(storage()), StorageError.BAD_CONFIG, "no monitor is known");

        host.fails("systemctl", "Job for mnt.mount failed.\n");
        Failing.fails(
                () -> activate(storage("monhost", "a")),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "mount error: Job for mnt.mount failed.");
    }

    @Test
    void namesUnitsAsSystemdDoes() {
        assertThat(new MountUnit(Path.of("/mnt/pve/ceph-fs_1.x"), "a:/", "ceph", "").name())
                .isEqualTo("mnt-pve-ceph\\x2dfs_1.x.mount");
        assertThat(new MountUnit(Path.of("/.a/b c@d"), "a:/", "ceph", "").name())
                .isEqualTo("\\x2ea-b\\x20c\\x40d.mount");
    }

    @Test
    void holdsNoImages() {
        Failing.isRefused(
                () -> plugin.allocImage(storage(), new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64)),
                StorageError.NOT_SUPPORTED,
                "unsupported format 'raw' on storage 'store' of type 'cephfs'");
    }

    @Test
    void listsItsBackups() throws IOException {
        Files.createDirectories(path.resolve("dump"));
        String backup = "vzdump-qemu-100-2024_01_02-03_04_05.vma.zst";
        Files.createFile(path.resolve("dump").resolve(backup));

        assertThat(plugin.listVolumes(storage(), null, Set.of(ContentType.BACKUP)))
                .extracting(ListedVolume::volume)
                .extracting(volume -> volume.volid().volume().value())
                .containsExactly("backup/" + backup);
    }

    private void activate(Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
    }
}
