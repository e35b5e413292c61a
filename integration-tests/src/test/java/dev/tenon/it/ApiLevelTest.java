package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plugins that count their arguments get those of their own API level. */
class ApiLevelTest {
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.raw");

    @ParameterizedTest(name = "level {0}")
    @ValueSource(ints = {9, 10, 11, 12, 13, 14, 15})
    void activateVolumeGetsHintsFromLevel13On(int level, Scratch scratch) throws IOException {
        Path file = Files.writeString(
                scratch.file("ExactArityPlugin.pm"),
                Files.readString(Installation.plugin("ExactArityPlugin.pm"))
                        .replace("__LEVEL__", Integer.toString(level)));
        SidecarHost host = SidecarHost.start(scratch, file);
        PerlStoragePlugin plugin = host.plugin();
        Path notes = scratch.file("notes");
        Storage storage = host.storage("notes", notes.toString());
        assertThat(plugin.description().level()).isEqualTo(level);

        Hints hints = new Hints(Map.of("guest-is-windows", 1L, "plugin-may-deactivate-volume", 0L));
        plugin.activateVolume(storage, VOLUME, null, OperationCache.create(), hints);
        assertThat(notes)
                .hasContent(level < 13 ? "5 HASH" : "6 HASH guest-is-windows=1 plugin-may-deactivate-volume=0");
        plugin.activateVolume(storage, VOLUME, null, OperationCache.create(), Hints.NONE);
        assertThat(notes).hasContent(level < 13 ? "5 HASH" : "6 HASH");
        plugin.deactivateVolume(storage, VOLUME, null, OperationCache.create());
        assertThat(plugin.volumeSizeInfo(storage, VOLUME, null)).isNotNull();
        assertThat(plugin.status(storage, OperationCache.create())).isNotNull();
    }
}
