package dev.tenon.tck;

import dev.tenon.core.spi.OperationCache;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * The contract of {@link dev.tenon.core.spi.StoragePlugin}, checked on real images with {@code qemu-img} and
 * {@code qemu-io}. A plugin's test class extends this and gives its {@link #subject()}; its tests share one storage, so
 * they run one after the other.
 *
 * <p>What a plugin cannot do, its {@link Abilities} say; a test that needs it is reported as skipped, with that as its
 * reason.
 *
 * <p>Each test takes guests of its own, and every image is removed after it.
 */
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
