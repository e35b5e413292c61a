package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.Value;
import dev.tenon.proto.WireError;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A storage call failed on the far side of a connection. The message names the call; {@link #dieText()} is the plugin's
 * own text, if it died, and goes to a Perl caller unchanged.
 */
public final class RemoteStorageException extends StorageException {
    private static final long serialVersionUID = 1L;

    private final transient WireError wireError;

    public RemoteStorageException(StorageError error, Outcome outcome, String message, WireError wireError) {
        super(error, outcome, message);
        this.wireError = wireError;
    }

    /** A plugin in Java refuses as one in Perl does: it dies with this text, and nothing was done. */
    public static RemoteStorageException died(String text, Value.Fields changed) {
        byte[] line = (text + "\n").getBytes(StandardCharsets.UTF_8);
        return new RemoteStorageException(
                StorageError.PLUGIN_DIED,
                Outcome.NOT_STARTED,
                text,
                new WireError(
                        ErrorCode.PLUGIN_DIED.code(),
                        text,
                        dev.tenon.proto.Outcome.NOT_STARTED,
                        "daemon",
                        new WireError.Die(new Value.Bytes(line), true),
                        Value.Nil.NIL,
                        changed));
    }

    /** What the plugin died with, unchanged, mostly with a newline at its end; absent if it did not die. */
    public Optional<String> dieText() {
        return wireError.dieText();
    }

    /** What the plugin refused with by dying; absent if it did not die, or of something that it did not say in words. */
    public Optional<String> refusal() {
        return error() == StorageError.PLUGIN_DIED && wireError.exception() instanceof Value.Nil
                ? dieText().map(String::strip)
                : Optional.empty();
    }

    @Override
    public String hostText() {
        return dieText().orElseGet(wireError::message);
    }

    /** The error as it came. */
    public WireError wireError() {
        return wireError;
    }
}
