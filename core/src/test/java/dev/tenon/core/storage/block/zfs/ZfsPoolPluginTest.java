package dev.tenon.core.storage.block.zfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the type says without a pool, and what it reads of ZFS's answers, which are of OpenZFS 2.1.11. */
class ZfsPoolPluginTest {
    private static final String LISTING = """
            tank\tfilesystem\t-\t0\t-\t6501888\t731695616\t24576\tyes\toff
            tank/base-100-disk-0\tvolume\t8388608\t-\t-\t12288\t731695616\t12288\t-\toff
            tank/vm-101-disk-0\tvolume\t4194304\t-\ttank/base-100-disk-0@__base__\t6303744\t737987072\t12288\t-\taes-256-gcm
            tank/vm-102-disk-0\tvolume\t4194304\t-\ttank/other/base-100-disk-0@__base__\t6303744\t737987072\t12288\t-\toff
            tank/vm-103-disk-0\tvolume\t4194304\t-\ttank/base-100-disk-0@other\t6303744\t737987072\t12288\t-\toff
            tank/subvol-104-disk-0\tfilesystem\t-\t1049600\t-\t24576\t1025024\t24576\tno\toff
            tank/subvol-105-disk-0\tvolume\t4194304\t-\t-\t6303744\t737987072\t12288\t-\toff
            tank/vm-106-disk-0\tfilesystem\t-\t0\t-\t24576\t1025024\t24576\tyes\toff
            tank/vm-107-a b\tvolume\t4194304\t-\t-\t6303744\t737987072\t12288\t-\toff
            tank/in/vm-108-disk-0\tvolume\t4194304\t-\t-\t6303744\t737987072\t12288\t-\toff
            tanker/vm-109-disk-0\tvolume\t4194304\t-\t-\t6303744\t737987072\t12288\t-\toff
            """;

    private final ZfsPoolPlugin plugin = new ZfsPoolPlugin();

    private static Storage storage(String... more) {
        Map<String, Object> properties = new HashMap<>(Map.of("pool", "tank/guests"));
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return Storage.of("local-zfs", "zfspool", properties);
    }

    private static void refused(StorageError error, Runnable work) {
        assertThatThrownBy(work::run)
                .isInstanceOfSatisfying(
                        StorageException.class,
                        e -> assertThat(e.error()).as(e.getMessage()).isEqualTo(error));
    }

    @Test
    void volumesAreWhatIsDirectlyInThePlaceAndIsWhatItsNameSays() {
        Map<String, String> volumes = Dataset.read(LISTING).stream()
                .flatMap(dataset -> ZfsNames.image(dataset, "tank").stream()
                        .map(image ->
                                Map.entry(ZfsNames.volume(image).value(), dataset.format() + " " + dataset.size())))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        assertThat(volumes)
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "base-100-disk-0", "RAW 8388608",
                        "base-100-disk-0/vm-101-disk-0", "RAW 4194304",
                        "vm-102-disk-0", "RAW 4194304",
                        "vm-103-disk-0", "RAW 4194304",
                        "subvol-104-disk-0", "SUBVOL 1049600"));
    }

    @Test
    void aDatasetTellsWhatIsKnownOfIt() {
        List<Dataset> all = Dataset.read(LISTING);
        assertThat(all.getFirst())
                .isEqualTo(new Dataset("tank", Image.SUBVOL, 0, null, 6501888, 731695616, 24576, true, false));
        assertThat(all.get(2).isEncrypted()).isTrue();
        assertThat(all.get(5).isMounted()).isFalse();
        refused(StorageError.STORAGE_UNAVAILABLE, () -> Dataset.read("tank\tfilesystem\n"));
    }

    @Test
    void snapshotsTellTheirQuotaAndClones() {
        assertThat(Snapshot.read("""
                tank/subvol-100-disk-0@a\t10426974151400642956\t1796097964\t-\t0
                tank/subvol-100-disk-0@zfs-auto:b\t99\t1796097965\ttank/c,tank/d\t-
                tank/subvol-100-disk-0@c\t7\t1796097966\t\todd\tvalue
                """))
                .containsExactly(
                        new Snapshot("a", "10426974151400642956", 1796097964, "0", false),
                        new Snapshot("zfs-auto:b", "99", 1796097965, "-", true),
                        new Snapshot("c", "7", 1796097966, "odd\tvalue", false));
        refused(StorageError.STORAGE_UNAVAILABLE, () -> Snapshot.read("what somebody has set\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "cannot create 'tank/big': out of space, NO_SPACE",
        "cannot open 'tank/x': dataset does not exist, NOT_FOUND",
        "cannot create 'tank/x': dataset already exists, ALREADY_EXISTS",
        "cannot destroy 'tank/x': volume has dependent clones, IN_USE",
        "cannot destroy 'tank/x': dataset is busy, IN_USE",
        "cannot unmount '/tank/x': pool or dataset is busy, IN_USE",
        "cannot import 'x': no such pool available, STORAGE_UNAVAILABLE",
        "cannot create 'tank/x': permission denied, PERMISSION_DENIED",
        "cannot mount 'tank/x': encryption key not loaded, STORAGE_UNAVAILABLE",
        "cannot receive: invalid backup stream, COMMAND_FAILED"
    })
    void whatACommandSaysIsAKindOfError(String line, StorageError error) {
        assertThat(Zfs.errorOf(List.of(line))).isEqualTo(error);
    }

    @ParameterizedTest
    @CsvSource({
        "vm-100-disk-0, vm-100-disk-0, , false, RAW",
        "base-100-disk-0, base-100-disk-0, , true, RAW",
        "subvol-100-disk-0, subvol-100-disk-0, , false, SUBVOL",
        "basevol-100-a.b_c:d, basevol-100-a.b_c:d, , true, SUBVOL",
        "base-100-disk-0/vm-101-disk-0, vm-101-disk-0, base-100-disk-0, false, RAW",
        "basevol-100-disk-0/subvol-101-disk-0, subvol-101-disk-0, basevol-100-disk-0, false, SUBVOL"
    })
    void aNameTells(String volume, String name, @Nullable String base, boolean isBase, Image format) {
        ParsedVolume.GuestImage image = plugin.parseVolname(new VolumeName(volume));
        assertThat(image.name()).isEqualTo(name);
        ParsedVolume.Base found = image.base();
        assertThat(found == null ? null : found.name()).isEqualTo(base);
        assertThat(image.isBase()).isEqualTo(isBase);
        assertThat(image.format()).isEqualTo(format);
        assertThat(plugin.namePatterns().stream()
                        .filter(pattern -> pattern.pattern().matcher(volume).matches())
                        .map(NamePattern::isBase))
                .containsExactly(isBase);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vm-100-",
                "vm-100-a b",
                "vm-100-a@b",
                "vm-100-a#b",
                "vm-100-a/b",
                "vm-100-a%b",
                "vm-100-a,b",
                "disk",
                "vm-101-disk-0/vm-100-disk-0",
                "tank/vm-100-disk-0"
            })
    void anotherNameIsNone(String volume) {
        refused(StorageError.INVALID_NAME, () -> plugin.parseVolname(new VolumeName(volume)));
        assertThat(plugin.namePatterns())
                .noneMatch(pattern -> pattern.pattern().matcher(volume).matches());
    }

    @Test
    void pathsAreThoseOfPve() {
        VolumeName disk = new VolumeName("base-100-disk-0/vm-101-disk-0");
        VolumeName directory = new VolumeName("subvol-100-disk-0");
        SnapshotName snapshot = new SnapshotName("one");
        assertThat(plugin.path(storage(), disk, null).path()).isEqualTo("/dev/zvol/tank/guests/vm-101-disk-0");
        assertThat(plugin.path(storage(), disk, snapshot).path()).isEqualTo("/dev/zvol/tank/guests/vm-101-disk-0@one");
        assertThat(plugin.path(storage(), directory, null).path()).isEqualTo("/tank/guests/subvol-100-disk-0");
        assertThat(plugin.path(storage("mountpoint", "/mnt/z"), directory, snapshot)
                        .path())
                .isEqualTo("/mnt/z/subvol-100-disk-0@one");
        assertThat(plugin.blockdevOptions(storage(), disk, new BlockdevQuery(null, null, Hints.NONE)))
                .isEqualTo(Map.of("driver", "host_device", "filename", "/dev/zvol/tank/guests/vm-101-disk-0"));
        refused(
                StorageError.NOT_SUPPORTED,
                () -> plugin.blockdevOptions(storage(), directory, new BlockdevQuery(null, null, Hints.NONE)));
        refused(
                StorageError.NOT_SUPPORTED,
                () -> plugin.blockdevOptions(storage(), disk, new BlockdevQuery(null, snapshot, Hints.NONE)));
    }

    @Test
    void featuresAreThoseOfPve() {
        assertThat(features("vm-100-disk-0", null))
                .containsExactlyInAnyOrder(
                        Feature.SNAPSHOT,
                        Feature.TEMPLATE,
                        Feature.COPY,
                        Feature.SPARSEINIT,
                        Feature.REPLICATE,
                        Feature.RENAME);
        assertThat(features("basevol-100-disk-0", null))
                .containsExactlyInAnyOrder(Feature.CLONE, Feature.COPY, Feature.SPARSEINIT, Feature.REPLICATE);
        assertThat(features("base-100-disk-0", new SnapshotName("one"))).containsExactly(Feature.SNAPSHOT);
        assertThat(plugin.canReplicate(storage(), Image.SUBVOL)).isTrue();
        assertThat(plugin.canReplicate(storage(), Format.ofWord("qcow2"))).isFalse();
    }

    private Set<Feature> features(String volume, @Nullable SnapshotName snapshot) {
        return Arrays.stream(Feature.values())
                .filter(feature -> plugin.hasFeature(storage(), feature, new VolumeName(volume), snapshot, false, null))
                .collect(Collectors.toSet());
    }

    @Test
    void aSnapshotLeavesAsAStreamOfZfsAndADiskAsItIsAsBytes() {
        Transfer snapshot = new Transfer(new SnapshotName("one"), new SnapshotName("before"), true);
        Transfer whole = new Transfer(null, null, false);
        for (String volume : List.of("vm-100-disk-0", "basevol-100-disk-0")) {
            assertThat(plugin.exportFormats(storage(), new VolumeName(volume), snapshot))
                    .containsExactly("zfs");
            assertThat(plugin.importFormats(storage(), new VolumeName(volume), snapshot))
                    .containsExactly("zfs");
        }
        assertThat(plugin.exportFormats(storage(), new VolumeName("vm-100-disk-0"), whole))
                .containsExactly("raw+size");
        assertThat(plugin.exportFormats(storage(), new VolumeName("subvol-100-disk-0"), whole))
                .isEmpty();
        assertThat(plugin.importFormats(storage(), new VolumeName("vm-100-disk-0"), whole))
                .containsExactly("zfs", "raw+size");
        Transfer ofAnother = new Transfer(new SnapshotName("one"), null, false);
        assertThat(plugin.importFormats(storage(), new VolumeName("vm-100-disk-0"), ofAnother))
                .containsExactly("zfs", "raw+size");
        assertThat(plugin.exportFormats(storage(), new VolumeName("vm-100-disk-0"), ofAnother))
                .containsExactly("zfs");
        assertThat(plugin.importFormats(storage(), new VolumeName("base-100-disk-0"), whole))
                .containsExactly("zfs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/tank", "tank/", "tank//x", "-r", "tank@x", "tank x", "1tank", "tank/../x", "tank/%x"})
    void aPlaceThatIsNoneIsRefused(String place) {
        refused(
                StorageError.BAD_CONFIG,
                () -> plugin.checkConfig(new StorageId("z1"), Map.of("type", "zfspool", "pool", place), true));
        refused(
                StorageError.BAD_CONFIG,
                () -> plugin.findFreeDiskname(
                        Storage.of("z1", "zfspool", Map.of("pool", place)), new Vmid(100), null, false));
    }

    @Test
    void aConfigurationMayNotChangeItsPlaceNorHaveKeysOfOthers() {
        StorageId id = new StorageId("z1");
        assertThat(plugin.checkConfig(id, Map.of("type", "zfspool", "pool", "tank/a.b-c_d", "sparse", "1"), true))
                .containsEntry("pool", "tank/a.b-c_d");
        refused(StorageError.BAD_CONFIG, () -> plugin.checkConfig(id, Map.of("type", "zfspool"), true));
        refused(StorageError.BAD_CONFIG, () -> plugin.checkConfig(id, Map.of("pool", "other"), false));
        refused(
                StorageError.BAD_CONFIG,
                () -> plugin.checkConfig(id, Map.of("type", "zfspool", "pool", "tank", "shared", "1"), true));
    }
}
