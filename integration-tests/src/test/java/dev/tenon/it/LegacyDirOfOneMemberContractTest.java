package dev.tenon.it;

import dev.tenon.it.support.Installation;
import dev.tenon.it.support.LegacySubject;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.tck.StoragePluginContract;
import dev.tenon.tck.Subject;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** The contract, on an ordinary Perl plugin that is alone in the process that has loaded it. */
@TestInstance(Lifecycle.PER_CLASS)
class LegacyDirOfOneMemberContractTest extends StoragePluginContract {
    private final Subject subject;

    LegacyDirOfOneMemberContractTest(Scratch scratch) {
        subject = LegacySubject.of(
                SidecarHost.start(scratch, Installation.legacyDirPlugin(), settings -> settings.withMembers(1)),
                scratch);
    }

    @Override
    public Subject subject() {
        return subject;
    }
}
