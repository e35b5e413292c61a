package dev.tenon.tck;

import dev.tenon.core.storage.mounted.cifs.CifsPlugin;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** The storage type {@code cifs}. */
class CifsContractTest extends StoragePluginContract {
    @TempDir
    Path scratch;

    @Override
    public Subject subject() {
        return Mounts.subject(scratch, CifsPlugin::new, false, Map.of("share", "vms"));
    }
}
