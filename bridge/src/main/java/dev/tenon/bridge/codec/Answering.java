package dev.tenon.bridge.codec;

import dev.tenon.proto.Value;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the answer of a method crosses. */
public interface Answering {
    /**
     * The answer as the method's row says, with the parameters that were changed.
     *
     * @param arguments those of the call
     */
    Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call);

    @Nullable
    Object read(Value answer, List<@Nullable Object> arguments, Outgoing call);

    /** The answer of a call that failed in this way. Throws, unless an error in Perl means what an answer means in Java. */
    default @Nullable Object failed(RemoteStorageException failure) {
        throw failure;
    }
}
