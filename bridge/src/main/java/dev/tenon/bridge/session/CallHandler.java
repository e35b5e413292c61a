package dev.tenon.bridge.session;

import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
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
}
