package dev.tenon.tck;

import dev.tenon.core.storage.mounted.nfs.NfsPlugin;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** The storage type {@code nfs} with snapshots as a chain of files. */
class NfsChainContractTest extends StoragePluginContract {
    @TempDir
    Path scratch;

    @Override
    public Subject subject() {
        return Mounts.subject(scratch, NfsPlugin::new, true, Map.of("export", "/export"));
    }
}
