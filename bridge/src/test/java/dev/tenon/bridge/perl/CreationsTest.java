package dev.tenon.bridge.perl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.proto.Method;
import dev.tenon.proto.Value;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Whose volume it is that has the name of a failed import. */
class CreationsTest {
    private static final Method ALLOC = StorageApi.API.table().method("alloc_image");
    private static final VolumeId VOLUME = VolumeId.parse("nas:100/vm-100-disk-0.raw");

    private final Creations creations = new Creations();

    private static StorageException failure() {
        return new StorageException(StorageError.STREAM_BROKEN, Outcome.UNKNOWN, "the stream ended");
    }

    @Test
    void whatAFailedImportLeftMayBeRemovedAndNobodyMakesAVolumeMeanwhile() {
        CompletableFuture<Value> other = new CompletableFuture<>();
        try (Creations.Import importing = creations.beginImport(VOLUME)) {
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> Creations.whole(() -> importing.alone(() -> {
                        throw failure();
                    })))
                    .withMessage("the stream ended");
            Thread.ofVirtual()
                    .start(() -> other.complete(creations.during(
                            ALLOC, "nas", "alloc_image", () -> new Value.Text("100/vm-100-disk-0.raw"))));
            // Whoever removes it frees it by a call that is made under the lock, too.
            assertThat(creations.during(ALLOC, "nas", "free_image", () -> Value.Nil.NIL))
                    .isEqualTo(Value.Nil.NIL);
            assertThat(other).isNotDone();
        }
        assertThat(other.join()).isEqualTo(new Value.Text("100/vm-100-disk-0.raw"));
    }

    @Test
    void aVolumeThatAnotherCallMadeUnderTheNameIsLeftAlone() {
        try (Creations.Import importing = creations.beginImport(VOLUME)) {
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> Creations.whole(() -> importing.alone(() -> {
                        creations.during(ALLOC, "nas", "alloc_image", () -> new Value.Text("100/vm-100-disk-0.raw"));
                        throw failure();
                    })))
                    .withMessageContaining("the stream ended; another call has made a volume of the same name")
                    .satisfies(e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN));
        }
    }

    @Test
    void ofTwoImportsOfOneNameTheSecondRemovesNothing() {
        try (Creations.Import first = creations.beginImport(VOLUME);
                Creations.Import second = creations.beginImport(VOLUME)) {
            assertThat(first.isShared()).isFalse();
            assertThat(second.isShared()).isTrue();
            assertThat(second.alone(() -> VOLUME)).isEqualTo(VOLUME);
            assertThat(first.isShared()).isTrue();
        }
    }
}
