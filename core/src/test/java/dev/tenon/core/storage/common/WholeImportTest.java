package dev.tenon.core.storage.common;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Imports of a plugin that makes the volume first and fails then. */
class WholeImportTest {
    private static final Transfer ALL = new Transfer(null, null, false);
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.raw");

    @TempDir
    Path directory;

    private final Hasty hasty = new Hasty();
    private boolean allowRename;
    private Storage nas = Storage.of("nas", "hasty", Map.of());

    private static final class Hasty extends DirectoryPlugin {
        private StorageException failure = new StorageException(StorageError.SIDECAR_FAILED, Outcome.UNKNOWN, "killed");
        private boolean makesIt = true;
        private boolean canFree = true;
        private boolean isInterrupted;

        @Override
        public String type() {
            return "hasty";
        }

        @Override
        public VolumeId importVolume(
                Storage storage,
                VolumeName volume,
                String format,
                Transfer transfer,
                boolean allowRename,
                ImportStream stream) {
            if (makesIt) {
                allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofBytes(1 << 20));
            }
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
            throw failure;
        }

        @Override
        public Optional<Cleanup> freeImage(
                Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
            if (!canFree) {
                throw StorageException.refused(StorageError.IN_USE, "somebody has it open");
            }
            return super.freeImage(storage, volume, isBase, format);
        }
    }

    @BeforeEach
    void storage() {
        nas = new Storage(nas.id(), new StorageConfig("hasty", Map.of("path", directory.toString())));
        hasty.activateStorage(nas, OperationCache.create());
    }

    private void imports(Outcome outcome, String words) {
        try (DescriptorImport stream =
                new DescriptorImport(Descriptor.openForReading(Path.of("/dev/null")), StreamSettings.USUAL)) {
            WholeImport whole = new WholeImport(hasty, nas, VOLUME, allowRename);
            assertThatThrownBy(() -> whole.run(
                            wasFree -> hasty.importVolume(nas, VOLUME, "raw+size", ALL, allowRename, stream),
                            Runnable::run))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.outcome()).isEqualTo(outcome))
                    .hasMessage(words);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private boolean exists() {
        return Files.exists(directory.resolve("images").resolve(VOLUME.value()));
    }

    @Test
    void whatAppearedUnderTheNameIsFreed() {
        imports(Outcome.FAILED_CLEAN, "killed");
        assertThat(exists()).isFalse();
    }

    @Test
    void whatHadTheNameBeforeIsNotTouched() {
        hasty.allocImage(nas, new Vmid(100), Format.Image.RAW, null, ByteSize.ofBytes(1 << 20));
        imports(Outcome.UNKNOWN, "killed");
        assertThat(exists()).isTrue();
    }

    /** It looks for the name first; then the stream lets it wait, and another import takes the name. */
    @Test
    void whatGotTheNameMeanwhileIsNotTouched() {
        hasty.failure = StorageException.refused(StorageError.ALREADY_EXISTS, "it exists");
        imports(Outcome.NOT_STARTED, "it exists");
        assertThat(exists()).isTrue();
        hasty.freeImage(nas, VOLUME, false, Format.Image.RAW);

        hasty.failure =
                new StorageException(StorageError.PLUGIN_DIED, Outcome.UNKNOWN, "volume tank/x already exists\n");
        imports(Outcome.UNKNOWN, "volume tank/x already exists\n");
        assertThat(exists()).isTrue();
    }

    @Test
    void whatWasTakenForCleanIsLookedAt() {
        hasty.failure = new StorageException(StorageError.STREAM_BROKEN, Outcome.FAILED_CLEAN, "it ended too early");
        imports(Outcome.FAILED_CLEAN, "it ended too early");
        assertThat(exists()).isFalse();
    }

    @Test
    void whatMayHaveAnotherNameIsToldAndNotSearched() {
        hasty.allocImage(nas, new Vmid(100), Format.Image.RAW, null, ByteSize.ofBytes(1 << 20));
        allowRename = true;
        hasty.failure = new StorageException(StorageError.STREAM_BROKEN, Outcome.FAILED_CLEAN, "it ended too early");
        imports(
                Outcome.UNKNOWN,
                "it ended too early; an unfinished volume of another name may be left in storage 'nas'");
    }

    @Test
    void whatCannotBeFreedIsNamed() {
        hasty.canFree = false;
        imports(Outcome.UNKNOWN, "killed; the unfinished volume 'nas:100/vm-100-disk-0.raw' is left, remove it");
    }

    @Test
    void aPluginThatCleanedUpItselfKeepsItsOwnWords() {
        hasty.makesIt = false;
        hasty.failure = new StorageException(StorageError.PLUGIN_DIED, Outcome.UNKNOWN, "no space in pool\n");
        imports(Outcome.UNKNOWN, "no space in pool\n");
    }

    @Test
    void aCallThatWasInterruptedIsCleanedUpAndStaysInterrupted() {
        hasty.isInterrupted = true;
        imports(Outcome.FAILED_CLEAN, "killed");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(exists()).isFalse();
    }
}
