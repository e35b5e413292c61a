package dev.tenon.bridge.session;

import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Answers the peer's calls, each on a platform thread, which is interrupted if the call is cancelled or late. */
@FunctionalInterface
public interface CallHandler {
    /** The result; whatever is thrown becomes the error that the peer gets. */
    Value handle(IncomingCall call);

    /** Where the call goes in, for this call only; null if nothing behind it can keep a thread. */
    default Gates.@Nullable Gate gate(Frame.Request request) {
        return null;
    }

    /** Whose turn it waits for, for this call only; null if its answer is small. */
    default LargeAnswers.@Nullable Turn turn(Frame.Request request) {
        return null;
    }

    /** How long the call may take where its caller says nothing of it; null for any time. */
    default @Nullable Duration limit(Frame.Request request) {
        return null;
    }
}
