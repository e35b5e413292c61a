package dev.tenon.it.backup;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.spi.Storage;
import dev.tenon.it.support.Scratch;
import dev.tenon.tck.backup.BackupProviderContract;
import dev.tenon.tck.backup.BackupSubject;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;

/** Tenon's own backup provider keeps the contract. */
class TenonbackupContractTest extends BackupProviderContract {
    private @Nullable BackupSubject subject;

    @BeforeEach
    void make(Scratch scratch) throws IOException {
        assumeTrue(EffectiveUser.id() == 0, "disks that are shown as files need root");
        Repository.init(scratch.storage());
        subject = BackupSubject.whole(
                Objects.requireNonNull(NativeTypes.all().get("tenonbackup")),
                Storage.of(
                        "keep", "tenonbackup", Map.of("path", scratch.storage().toString())),
                scratch.runtime());
    }

    @Override
    protected BackupSubject subject() {
        return Objects.requireNonNull(subject);
    }
}
