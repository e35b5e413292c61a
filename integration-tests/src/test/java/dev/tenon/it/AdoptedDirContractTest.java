package dev.tenon.it;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.LegacySubject;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract, on the same Perl plugin after every crossing: from Java to a Perl host, to the daemon, to the plugin. */
@TestInstance(Lifecycle.PER_CLASS)
class AdoptedDirContractTest extends StoragePluginContract {
    private final Subject subject;

    AdoptedDirContractTest(Scratch scratch) throws IOException {
        DaemonProcess.start(scratch, Installation.legacyDirPlugin());
        Path proxy = Files.copy(Installation.plugin("AdoptedDirPlugin.pm"), scratch.file("AdoptedDirPlugin.pm"));
        subject = LegacySubject.of(SidecarHost.start(scratch, proxy), scratch);
    }

    @Override
    public Subject subject() {
        return subject;
    }
}
