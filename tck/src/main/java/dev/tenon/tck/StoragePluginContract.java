package dev.tenon.tck;

import dev.tenon.core.spi.OperationCache;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/**
 * The contract of {@link dev.tenon.core.spi.StoragePlugin}, checked on real images with {@code qemu-img} and {@code
 * qemu-io}. A plugin's test class extends this and gives its {@link #subject()}; its tests share one storage, so they run
 * one after the other.
 *
 * <p>Its {@link Abilities} say what a plugin cannot do; a test that needs it is reported as skipped, with that reason.
 *
 * <p>Each test takes guests of its own, and every image is removed after it. Builds that are in a hurry exclude the tag {@code
 * contract}.
 */
@Tag("contract")
public abstract class StoragePluginContract
        implements DescriptionContract,
                NamesContract,
                StorageContract,
                AllocationContract,
                ListingContract,
                ActivationContract,
                ResizingContract,
                SnapshotContract,
                BaseImageContract,
                RenamingContract,
                TransferContract,
                RepetitionContract,
                NotesContract {
    @Override
    public abstract Subject subject();

    @BeforeEach
    void activateTheStorage() {
        Subject subject = subject();
        subject.plugin().activateStorage(subject.storage(), OperationCache.create());
    }

    @AfterEach
    void removeAllImages() {
        images().freeAll();
    }
}
