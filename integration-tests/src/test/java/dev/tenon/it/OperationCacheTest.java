package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The {@code $cache} hash that the calls of an operation share. */
class OperationCacheTest {
    @Test
    void theCallsOfOneOperationShareAHashAndTheNextGetsAnother(Scratch scratch) {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("CachePlugin.pm"));
        PerlStoragePlugin plugin = host.plugin();
        Storage storage = host.storage();
        OperationCache one = OperationCache.create();
        OperationCache other = OperationCache.create();
        plugin.activateStorage(storage, one);
        assertThat(seen(plugin, storage, one)).isEqualTo(2);
        assertThat(seen(plugin, storage, other)).isEqualTo(1);
        assertThat(plugin.listImages(storage, ImageFilter.all(), one))
                .extracting(image -> image.volid().volume().value())
                .containsExactly("100/vm-100-disk-3.raw");
        assertThat(seen(plugin, storage, other)).isEqualTo(2);
        assertThat(seen(plugin, storage, OperationCache.create())).isEqualTo(1);
    }

    private static long seen(PerlStoragePlugin plugin, Storage storage, OperationCache cache) {
        return ((StorageStatus.Active) plugin.status(storage, cache))
                .available()
                .bytes();
    }

    @Test
    void aHashOfAPerlProgramIsAHashOfThePluginThroughBothCrossings(Scratch scratch) {
        DaemonProcess.start(scratch, Installation.plugin("CachePlugin.pm"));
        PerlCaller perl = PerlCaller.start(scratch).calling("caching");
        Map<String, Object> scfg = ScratchStorage.empty(scratch).section("caching");
        perl.nothing("activate_storage", "nas", scfg, PerlCaller.cache("one")).value();
        assertThat(perl.list("status", "nas", scfg, PerlCaller.cache("one"))
                        .list()
                        .get(1))
                .isEqualTo("2");
        assertThat(perl.list("status", "nas", scfg, PerlCaller.cache("other"))
                        .list()
                        .get(1))
                .isEqualTo("1");
        assertThat(perl.list("status", "nas", scfg, PerlCaller.cache("one"))
                        .list()
                        .get(1))
                .isEqualTo("3");
        assertThat(perl.list("status", "nas", scfg, Map.of()).list().get(1)).isEqualTo("1");
    }
}
