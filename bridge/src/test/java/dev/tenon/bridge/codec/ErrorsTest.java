package dev.tenon.bridge.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Outcome;
import dev.tenon.proto.Value;
import dev.tenon.proto.WireError;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ErrorsTest {

    @Test
    void everyKindOfStorageErrorIsARowOfTheContract() {
        assertThat(Arrays.stream(ErrorCode.values()).map(Enum::name))
                .containsAll(
                        Arrays.stream(StorageError.values()).map(Enum::name).toList());
    }

    @Test
    void everyOutcomeIsTheSameOnBothSides() {
        assertThat(Arrays.stream(Outcome.values()).map(Enum::name))
                .containsExactlyElementsOf(Arrays.stream(dev.tenon.core.spi.Outcome.values())
                        .map(Enum::name)
                        .toList());
    }

    @Test
    void everyKindAndOutcomeSurvivesTheWayThereAndBack() {
        for (StorageError kind : StorageError.values()) {
            for (dev.tenon.core.spi.Outcome outcome : dev.tenon.core.spi.Outcome.values()) {
                WireError wire = Errors.toWire(new StorageException(kind, outcome, "why"), "daemon", "status");
                StorageException back = Errors.fromWire(wire, "status of storage 'nas'");

                assertThat(back.error()).isEqualTo(kind);
                assertThat(back.outcome()).isEqualTo(outcome);
                assertThat(back).hasMessage("status of storage 'nas': why");
            }
        }
    }

    @Test
    void thePluginsOwnTextPassesThroughUnchanged() {
        WireError.Die die =
                new WireError.Die(new Value.Bytes("no such LUN \u00e4\n".getBytes(StandardCharsets.ISO_8859_1)), false);
        WireError error = new WireError(
                ErrorCode.PLUGIN_DIED.code(),
                "no such LUN ?",
                Outcome.UNKNOWN,
                "sidecar",
                die,
                Value.Nil.NIL,
                Value.fields());

        StorageException back = Errors.fromWire(error, "status");

        assertThat(Errors.toWire(back, "daemon", "status")).isSameAs(error);
    }

    @Test
    void aDefectIsAnInternalErrorWithAnUnknownOutcome() {
        WireError wire = Errors.toWire(new IllegalStateException("oops"), "daemon", "status");

        assertThat(wire.errorCode()).isEqualTo(ErrorCode.INTERNAL);
        assertThat(wire.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(wire.message()).startsWith("status: a defect in Tenon: ").contains("oops");
    }
}
