package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plugins that count their arguments get those of their own API level. */
class ApiLevelTest {
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.raw");

    @ParameterizedTest(name = "level {0}")
    @ValueSource(ints = {9, 10, 11, 12, 13, 14, 15, 16})
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

    @Test
    void aPluginThatNoHostLoadsAnyMoreIsHostedInItsOwnWordsIfThatIsWanted(Scratch scratch) throws IOException {
        Path file = Files.writeString(scratch.file("AncientPlugin.pm"), """
                package PVE::Storage::Custom::AncientPlugin;
                use strict;
                use warnings;
                use base qw(PVE::Storage::Plugin);
                sub api { return 3 }
                sub type { return 'ancient' }
                sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }
                sub options { return { path => { fixed => 1 } } }
                sub volume_has_feature { return @_ == 7 }
                sub volume_import_formats { return ('raw+size', scalar(@_)) }
                1;
                """);
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> SidecarHost.start(scratch, file))
                .withMessageContaining("implements API version 3, older than the oldest supported, 9")
                .withMessageContaining("--accept-old");

        SidecarHost host = SidecarHost.start(scratch, file, settings -> settings.acceptingOld(true));
        PerlStoragePlugin plugin = host.plugin();
        Storage storage = host.storage();

        assertThat(plugin.description().level()).isEqualTo(3);
        assertThat(plugin.hasFeature(storage, Feature.SNAPSHOT, VOLUME, null, false, null))
                .isTrue();
        assertThat(plugin.hasFeature(storage, Feature.RENAME, VOLUME, null, false, null))
                .isFalse();
        assertThat(plugin.importFormats(storage, VOLUME, new Transfer(null, null, false)))
                .containsExactly("raw+size", "6");
    }

    @Test
    void workThatAFreeLeftIsClaimedOnceByAWorkerWhoseParentIsGone(Scratch scratch) throws IOException {
        DaemonProcess.start(scratch, Installation.plugin("WipingPlugin.pm"));
        Path notes = scratch.file("notes");
        PerlProgram program = PerlProgram.run(
                scratch, List.of(), Installation.resource("perl/worker-of-a-dead-parent.pl"), notes.toString());

        Awaitility.await("the worker")
                .atMost(Duration.ofSeconds(20))
                .until(() -> Files.exists(notes) && Files.readString(notes).contains("again"));
        assertThat(notes)
                .content()
                .startsWith("freed\nwiped vm-100-disk-0\nworker done\nagain: ")
                .contains("is not left: it was claimed before");
        assertThat(program.errors()).isEmpty();
    }
}
