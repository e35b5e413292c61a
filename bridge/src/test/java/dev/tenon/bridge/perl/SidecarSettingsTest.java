package dev.tenon.bridge.perl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.perl.SidecarSettings.Limit;
import dev.tenon.bridge.storage.StorageApi;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** How long things may take. */
class SidecarSettingsTest {
    /** The limit is there to be lowered; nobody is to be surprised by it. */
    @Test
    void theUsualLimitOfCallsCutsNoMethodShort() {
        SidecarSettings usual = SidecarSettings.of(Path.of("/p/A.pm"), Path.of("/p"), null, Path.of("/p"));
        assertThat(StorageApi.API.table().methods().values())
                .allSatisfy(method ->
                        assertThat(method.deadline()).as(method.name()).isLessThanOrEqualTo(usual.limit(Limit.CALL)));
    }
}
