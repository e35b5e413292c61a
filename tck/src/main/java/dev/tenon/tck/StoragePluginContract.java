package dev.tenon.tck;

import dev.tenon.core.spi.OperationCache;
import java.lang.reflect.Method;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInfo;

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

    /** What is asked of storages that keep images only. A class's own tests say themselves what they need. */
    private static final Set<Class<?>> OF_IMAGES = Set.of(
            NamesContract.class,
            AllocationContract.class,
            ListingContract.class,
            ActivationContract.class,
            ResizingContract.class,
            SnapshotContract.class,
            BaseImageContract.class,
            RenamingContract.class,
            TransferContract.class,
            RepetitionContract.class);

    @BeforeEach
    void activateTheStorage(TestInfo test) {
        Subject subject = subject();
        requires(
                subject.keepsImages()
                        || test.getTestMethod()
                                .map(Method::getDeclaringClass)
                                .filter(OF_IMAGES::contains)
                                .isEmpty(),
                "keeps no images");
        subject.plugin().activateStorage(subject.storage(), OperationCache.create());
    }

    @AfterEach
    void removeAllImages() {
        images().freeAll();
    }
}
