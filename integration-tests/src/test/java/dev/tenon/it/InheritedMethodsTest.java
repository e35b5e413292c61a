package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A plugin that says only how volumes are named and where they are: PVE's base class does the rest with that. */
class InheritedMethodsTest {
    private static final VolumeName HIDDEN = new VolumeName("100/hidden.raw");
    private static final VolumeName PLAIN = new VolumeName("100/vm-100-disk-0.raw");

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"InheritingPlugin.pm", "InheritingBasePlugin.pm"})
    void thePluginsOwnMethodsAreUsedByAllThatItInherits(String file, Scratch scratch) throws IOException {
        ScratchStorage images = ScratchStorage.create(scratch);
        Files.createDirectories(images.path().resolve("attic"));
        Path attic = Files.move(
                images.image("100/vm-100-disk-1.qcow2"), images.path().resolve("attic/hidden.qcow2"));
        images.image("100/hidden.raw", "-f", "raw", "1M");
        Path hidden = Files.move(images.image("100/hidden.raw"), images.path().resolve("attic/hidden.raw"));
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin(file));
        PerlStoragePlugin plugin = host.plugin();
        Path notes = scratch.file("notes");
        Storage storage = host.storage("notes", notes.toString());

        assertThat(plugin.description().overrides())
                .contains("parse_volname", "filesystem_path")
                .doesNotContain(
                        "path",
                        "list_images",
                        "volume_size_info",
                        "alloc_image",
                        "free_image",
                        "status",
                        "activate_volume");

        assertThat(plugin.path(storage, HIDDEN, null))
                .isEqualTo(new VolumePath(hidden.toString(), new Vmid(100), ContentType.IMAGES));
        assertThat(plugin.getSubdir(storage, ContentType.IMAGES)).isEqualTo(images.path() + "/images");
        assertThat(plugin.volumeSizeInfo(storage, HIDDEN, null).size()).isEqualTo(ByteSize.ofKib(1024));
        assertThat(plugin.volumeSizeInfo(storage, new VolumeName("100/hidden.qcow2"), null))
                .satisfies(info -> {
                    assertThat(info.size()).isEqualTo(ByteSize.ofBytes(ScratchStorage.QCOW2_BYTES));
                    assertThat(info.format()).isEqualTo(Format.Image.QCOW2);
                });
        Files.delete(notes);
        plugin.activateVolume(storage, HIDDEN, null, OperationCache.create(), Hints.NONE);
        assertThat(notes).content().contains("filesystem_path " + HIDDEN);
        Files.delete(hidden);
        assertThatThrownBy(() -> plugin.activateVolume(storage, HIDDEN, null, OperationCache.create(), Hints.NONE))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining(HIDDEN.value());
        plugin.deactivateVolume(storage, PLAIN, null, OperationCache.create());

        assertThat(plugin.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        plugin.activateStorage(storage, OperationCache.create());
        plugin.deactivateStorage(storage, OperationCache.create());

        assertThat(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .filteredOn(image -> image.volid().volume().equals(PLAIN))
                .singleElement()
                .satisfies(image -> {
                    assertThat(image.size()).isEqualTo(ByteSize.ofBytes(ScratchStorage.RAW_BYTES));
                    assertThat(image.owner()).isEqualTo(new Vmid(100));
                });

        VolumeName made = plugin.allocImage(storage, new Vmid(101), Format.Image.RAW, null, ByteSize.ofKib(1024));
        assertThat(made).hasToString("101/vm-101-disk-0.raw");
        assertThat(images.image(made.value())).hasSize(1 << 20);
        Files.delete(notes);
        plugin.freeImage(storage, made, false, Format.Image.RAW);
        assertThat(images.image(made.value())).doesNotExist();
        plugin.freeImage(storage, new VolumeName("100/hidden.qcow2"), false, Format.Image.QCOW2);
        assertThat(attic).doesNotExist();
        assertThat(notes).content().contains("filesystem_path 100/hidden.qcow2");
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"InheritingPlugin.pm", "InheritingBasePlugin.pm"})
    void theTextOfThePluginsDieComesThroughTheBaseClassUnchanged(String file, Scratch scratch) {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin(file));
        assertThatThrownBy(() -> host.plugin().path(host.storage(), new VolumeName("100/odd name"), null))
                .isInstanceOf(dev.tenon.bridge.codec.RemoteStorageException.class)
                .extracting(e -> ((dev.tenon.bridge.codec.RemoteStorageException) e)
                        .dieText()
                        .orElse("none"))
                .isEqualTo("unable to parse inheriting volume name '100/odd name'\n");
    }
}
