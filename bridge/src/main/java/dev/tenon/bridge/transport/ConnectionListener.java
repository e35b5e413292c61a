package dev.tenon.bridge.transport;

import dev.tenon.proto.Frame;
import org.jspecify.annotations.Nullable;

/** Hears what a connection receives. */
public interface ConnectionListener {
    /**
     * A frame has come. This must not block, since nobody reads meanwhile.
     *
     * @return what is to be done when somebody else may read, and may block; null if nothing
     */
    @Nullable
    Runnable received(Frame frame);

    /**
     * The connection has ended; nothing follows. This may block.
     *
     * @param reason one clause for messages, for instance {@code the peer closed the connection}
     */
    void closed(String reason);
}
