package dev.tenon.bridge.session;

import dev.tenon.proto.Value;

/** Answers the peer's calls, each on a virtual thread of its own, which is interrupted if the call is cancelled or late. */
@FunctionalInterface
public interface CallHandler {
    /** The result; whatever is thrown becomes the error that the peer gets. */
    Value handle(IncomingCall call);
}
