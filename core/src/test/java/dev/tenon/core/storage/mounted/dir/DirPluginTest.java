package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the type declares, its status and its activation. */
class DirPluginTest {
    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();

    @Test
    void declaresWhatPveDeclares() {
        assertThat(plugin.type()).isEqualTo("dir");
        assertThat(plugin.pluginData().content())
                .containsExactlyInAnyOrder(
                        "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none");
        assertThat(plugin.pluginData().defaultContent()).containsExactlyInAnyOrder("images", "rootdir");
        assertThat(plugin.pluginData().formats()).containsExactlyInAnyOrder("raw", "qcow2", "vmdk", "subvol");
        assertThat(plugin.pluginData().defaultFormat()).isEqualTo("raw");
        assertThat(plugin.properties())
                .containsOnlyKeys("path", "mkdir", "create-base-path", "create-subdirs", "is_mountpoint", "bwlimit");
        assertThat(plugin.options())
                .containsEntry("path", new PropertyOption(false, true))
                .containsEntry("snapshot-as-volume-chain", new PropertyOption(true, true))
                .containsEntry("nodes", new PropertyOption(true, false))
                .containsKeys("shared", "disable", "content", "content-dirs", "prune-backups")
                .containsKeys("max-protected-backups", "format", "preallocation", "bwlimit", "is_mountpoint")
                .containsKeys("mkdir", "create-base-path", "create-subdirs")
                .hasSize(16);
    }

    @ParameterizedTest
    @CsvSource({
        "/srv/a, /srv/a",
        "//srv///a/, /srv/a",
        "/srv/./a/., /srv/a",
        "/../srv, /srv",
        "/../.., /",
        "/srv/../a, /srv/../a",
        "/srv/..a/.b, /srv/..a/.b",
        "/., /",
        "//, /"
    })
    void thePathOfItsConfigurationHasNoDetours(String given, String path) {
        assertThat(plugin.checkConfig(new StorageId("store"), Map.of("type", "dir", "path", given), true))
                .isEqualTo(Map.of("type", "dir", "path", path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "srv", "/srv a", "/srv\n", "/größe", "/a:b"})
    void aPathThatWouldNeedQuotingIsRefused(String path) {
        Failing.isRefused(
                () -> plugin.checkConfig(new StorageId("store"), Map.of("path", path), true),
                StorageError.BAD_CONFIG,
                "storage 'store': illegal path for directory storage: " + Quoted.of(path));
    }

    @Test
    void tellsTheSpaceOfItsFileSystem() {
        StorageStatus status = plugin.status(Storages.at(directory), OperationCache.create());

        String[] df = Qemu.run(null, List.of("df", "-B1", "--output=size,avail,used", directory.toString()))
                .split("\n", -1)[1]
                .strip()
                .split("\\s+", -1);
        assertThat(status)
                .asInstanceOf(InstanceOfAssertFactories.type(StorageStatus.Active.class))
                .satisfies(active -> {
                    assertThat(active.total().bytes()).isEqualTo(Long.parseLong(df[0]));
                    assertThat(active.available().bytes())
                            .isCloseTo(Long.parseLong(df[1]), Percentage.withPercentage(5));
                    assertThat(active.used().bytes()).isCloseTo(Long.parseLong(df[2]), Percentage.withPercentage(5));
                });
    }

    @Test
    void isInactiveIfItsPathIsMissingOrNoDirectory() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThat(status(Storages.at(directory.resolve("missing")))).isInstanceOf(StorageStatus.Inactive.class);
        assertThat(status(Storages.at(file))).isInstanceOf(StorageStatus.Inactive.class);
        assertThat(status(Storages.at(Path.of("/proc")))).isInstanceOf(StorageStatus.Inactive.class);
    }

    @Test
    void makesItsDirectoriesWhenItIsActivated() {
        Path base = directory.resolve("new/storage");

        activate(Storages.at(base, "content", "iso,rootdir"));

        assertThat(base.resolve("template/iso")).isDirectory();
        assertThat(base.resolve("private")).isDirectory();
        assertThat(base.resolve("dump")).isDirectory();
        assertThat(base.resolve("images")).doesNotExist();
    }

    @Test
    void makesTheDirectoriesOfItsDefaultContent() {
        activate(Storages.at(directory));

        assertThat(directory.resolve("images")).isDirectory();
        assertThat(directory.resolve("private")).isDirectory();
        assertThat(directory.resolve("template")).doesNotExist();
    }

    @Test
    void makesNothingForContentNone() {
        activate(Storages.at(directory, "content", "none"));

        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({"create-base-path, 0", "mkdir, 0"})
    void doesNotMakeItsPathIfItMayNot(String property, String value) {
        Path base = directory.resolve("missing");

        assertThatThrownBy(() -> activate(Storages.at(base, property, value)))
                .hasMessage("unable to activate storage 'store' - directory '" + base
                        + "' does not exist or is unreachable")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.STORAGE_UNAVAILABLE);
        assertThat(base).doesNotExist();
    }

    @Test
    void prefersTheNewPropertiesToMkdir() {
        Path base = directory.resolve("new");

        activate(Storages.at(base, "mkdir", "0", "create-base-path", "1", "create-subdirs", "0"));

        assertThat(base).isEmptyDirectory();
    }

    @Test
    void tellsWhyItsPathCannotBeMade() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatThrownBy(() -> activate(Storages.at(file.resolve("below"))))
                .hasMessageStartingWith("unable to activate storage 'store' - cannot create directory '" + file);
    }

    @Test
    void refusesOneDirectoryForTwoContents() throws IOException {
        Storage configured = Storages.at(directory, "content", "iso,vztmpl", "content-dirs", "iso=x,vztmpl=x");

        assertThatThrownBy(() -> activate(configured))
                .hasMessage("storage 'store' uses directory "
                        + directory.toRealPath().resolve("x") + " for multiple content types")
                .asInstanceOf(InstanceOfAssertFactories.type(StorageException.class))
                .extracting(StorageException::error)
                .isEqualTo(StorageError.BAD_CONFIG);
    }

    @Test
    void refusesOneDirectoryForTwoContentsBehindALink() throws IOException {
        Files.createDirectories(directory.resolve("template/iso"));
        Files.createSymbolicLink(directory.resolve("snippets"), directory.resolve("template/iso"));

        assertThatThrownBy(() -> activate(Storages.at(directory, "content", "iso,snippets")))
                .hasMessageContaining("for multiple content types");
    }

    @Test
    void refusesAStorageWithoutAPath() {
        assertThatThrownBy(() -> activate(Storages.with(Map.of()))).hasMessage("storage definition has no path");
        assertThatThrownBy(() -> status(Storages.with(Map.of()))).hasMessage("storage definition has no path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"yes", "1", "on", "true", "YES"})
    void requiresItsPathToBeMounted(String setting) {
        Storage storage = Storages.at(directory, "is_mountpoint", setting);

        assertThat(status(storage)).isInstanceOf(StorageStatus.Inactive.class);
        assertThatThrownBy(() -> activate(storage))
                .hasMessageContaining("unable to activate storage 'store'")
                .hasMessageContaining("is not mounted: '" + directory + "'");
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(strings = {"no", "0", "off", "false", ""})
    void doesNotRequireItsPathToBeMounted(String setting) {
        assertThat(status(Storages.at(directory, "is_mountpoint", setting))).isInstanceOf(StorageStatus.Active.class);
    }

    @Test
    void acceptsAMountPointBehindALinkAndWithABlank() throws IOException {
        Path mountPoint = Files.createDirectory(directory.resolve("with blank")).toRealPath();
        Path link = Files.createSymbolicLink(directory.resolve("link"), mountPoint);
        Path mounts = Files.writeString(
                directory.resolve("mounts"),
                "/dev/sda " + mountPoint.toString().replace(" ", "\\040") + " ext4 rw 0 0\n");
        DirPlugin mounted = new DirPlugin(mounts);
        Storage storage = Storages.at(directory, "is_mountpoint", link.toString());

        assertThat(mounted.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        mounted.activateStorage(storage, OperationCache.create());
    }

    @Test
    void acceptsARealMountPoint() {
        assertThat(status(Storages.at(directory, "is_mountpoint", "/proc"))).isInstanceOf(StorageStatus.Active.class);
    }

    @Test
    void readsTheMountsOnceInAnOperation() throws IOException {
        Path mounts =
                Files.writeString(directory.resolve("mounts"), "/dev/sda " + directory.toRealPath() + " ext4 rw 0 0\n");
        DirPlugin mounted = new DirPlugin(mounts);
        Storage storage = Storages.at(directory, "is_mountpoint", "1");
        OperationCache operation = OperationCache.create();

        assertThat(mounted.status(storage, operation)).isInstanceOf(StorageStatus.Active.class);
        Files.delete(mounts);
        assertThat(mounted.status(storage, operation)).isInstanceOf(StorageStatus.Active.class);
        assertThat(mounted.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Inactive.class);
    }

    private StorageStatus status(Storage storage) {
        return plugin.status(storage, OperationCache.create());
    }

    private void activate(Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
    }
}
