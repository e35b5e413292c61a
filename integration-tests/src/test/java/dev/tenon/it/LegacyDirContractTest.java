package dev.tenon.it;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.LegacySubject;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract, on an ordinary Perl plugin in its sidecar. */
@TestInstance(Lifecycle.PER_CLASS)
class LegacyDirContractTest extends StoragePluginContract {
    private final Subject subject;

    LegacyDirContractTest(Scratch scratch) {
        subject = LegacySubject.of(SidecarHost.start(scratch, Installation.legacyDirPlugin()), scratch);
    }

    @Override
    public Subject subject() {
        return subject;
    }
}
