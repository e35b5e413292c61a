package dev.tenon.it.backup;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.Storage;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import dev.tenon.tck.backup.BackupProviderContract;
import dev.tenon.tck.backup.BackupSubject;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/** A backup provider in Perl of the merged API keeps the contract, in its sidecar. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChainProviderContractTest extends BackupProviderContract {
    private @Nullable SidecarHost host;
    private @Nullable BackupSubject subject;

    @BeforeAll
    void start(Scratch scratch) {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files need root");
        host = SidecarHost.start(scratch, Installation.perlShim().resolve("examples/ChainBackupPlugin.pm"));
    }

    @BeforeEach
    void make(Scratch scratch) {
        subject = BackupSubject.whole(
                Objects.requireNonNull(host).plugin(),
                Storage.of(
                        "contract",
                        "chainbackup",
                        Map.of("path", scratch.storage().toString())),
                scratch.runtime());
    }

    @Override
    protected BackupSubject subject() {
        return Objects.requireNonNull(subject);
    }
}
