package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Names of volumes, valid ones and hostile ones. */
@OfProfile(Profile.CORE)
interface NamesContract extends Contract {
    /** Names that no volume may have, with the victim's place in them. */
    static Stream<String> hostileNames() {
        return Stream.of(
                "../%s",
                "../../%s", "../../../%s", "/%s", "x/../../../%s", "./%s", "%s\n", "a\nb", "\u0000%s", "-%s", "a/-b");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("hostileNames")
    @Check(
            calls = {"alloc_image", "free_image", "parse_volname"},
            otherwise = "Do not use the plugin where others than administrators name volumes.")
    default void aHostileNameIsRefusedAndNothingOutsideIsTouched(String pattern) throws IOException {
        Path outside = subject().outside();
        Files.writeString(outside.resolve("victim.raw"), "not of this storage");
        List<String> before = Images.tree(outside);
        List<VolumeName> volumes = images().names();
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        for (String victim : List.of("victim.raw", outside.getFileName() + "/victim.raw", outside + "/victim.raw")) {
            String name = pattern.replace("%s", victim);
            Failing.refusedByAll(
                    StorageError.INVALID_NAME, () -> plugin.freeImage(storage, new VolumeName(name), false, null));
            failing()
                    .refused(
                            StorageError.INVALID_NAME,
                            () -> plugin.allocImage(
                                    storage, Images.newGuest(), images().anyFormat(), name, Images.SIZE));
        }
        assertThat(Images.tree(outside)).isEqualTo(before);
        assertThat(images().names()).isEqualTo(volumes);
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"parse_volname", "path"},
            otherwise = "Ask for paths of existing volumes only.")
    default void aNameSaysTheSameWhetherTheVolumeExistsOrNot(Format.Image format) {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        VolumeName volume = images().make(Images.newGuest(), format);
        ParsedVolume existing = plugin.parseVolname(volume);
        String path = plugin.path(subject().storage(), volume, null).path();
        images().free(volume);
        assertThat(plugin.parseVolname(volume)).isEqualTo(existing);
        assertThat(plugin.path(subject().storage(), volume, null).path()).isEqualTo(path);
    }

    @Test
    @Check(
            calls = {
                "parse_volname",
                "path",
                "volume_size_info",
                "activate_volume",
                "free_image",
                "volume_resize",
                "volume_snapshot"
            },
            otherwise = "Parse a name before it is used in a call.")
    default void whatIsNoNameOfThePluginsIsRefusedByEveryCall() {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        VolumeName nonsense = new VolumeName("no volume at all");
        failing().refused(StorageError.INVALID_NAME, () -> plugin.parseVolname(nonsense));
        failing().refused(StorageError.INVALID_NAME, () -> plugin.path(storage, nonsense, null));
        failing().refused(StorageError.INVALID_NAME, () -> plugin.volumeSizeInfo(storage, nonsense, null));
        failing().refused(StorageError.INVALID_NAME, () -> images().activate(nonsense));
        failing().refused(StorageError.INVALID_NAME, () -> plugin.freeImage(storage, nonsense, false, null));
        failing()
                .refused(
                        StorageError.INVALID_NAME,
                        () -> plugin.resizeVolume(storage, nonsense, Images.SIZE, false, null));
        failing()
                .refused(
                        StorageError.INVALID_NAME,
                        () -> plugin.snapshotVolume(storage, nonsense, new SnapshotName("before")));
    }
}
