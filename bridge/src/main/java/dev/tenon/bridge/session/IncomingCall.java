package dev.tenon.bridge.session;

import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Value;

/**
 * A call that the peer made.
 *
 * @param session where it came from, and where its caller can be called
 */
public record IncomingCall(
        String method, Value.Fields params, CallContext context, PeerCredentials peer, Session session) {}
