package dev.tenon.bridge.transport;

import dev.tenon.proto.Frame;

/** Hears what a connection receives. It is called on an event loop and must not block. */
public interface ConnectionListener {
    void received(Frame frame);

    /**
     * The connection has ended; nothing follows.
     *
     * @param reason one clause for messages, for instance {@code the peer closed the connection}
     */
    void closed(String reason);
}
