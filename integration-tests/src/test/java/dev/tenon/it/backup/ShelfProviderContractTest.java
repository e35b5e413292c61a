package dev.tenon.it.backup;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ShelfPlugin;
import dev.tenon.tck.backup.BackupProviderContract;
import dev.tenon.tck.backup.BackupSubject;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A backup provider in Java keeps the contract, whether it takes disks over NBD or as open files. */
@ParameterizedClass
@EnumSource(names = {"NBD", "FILE_HANDLE"})
class ShelfProviderContractTest extends BackupProviderContract {
    private final BackupMechanism mechanism;
    private @Nullable BackupSubject subject;

    ShelfProviderContractTest(BackupMechanism mechanism) {
        this.mechanism = mechanism;
    }

    @BeforeEach
    void make(Scratch scratch) {
        subject = BackupSubject.whole(
                new ShelfPlugin(mechanism),
                Storage.of("shelf", "shelf", Map.of("path", scratch.storage().toString())),
                scratch.runtime());
    }

    @Override
    protected BackupSubject subject() {
        return Objects.requireNonNull(subject);
    }
}
