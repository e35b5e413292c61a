package dev.tenon.bridge.session;

import dev.tenon.proto.WireError;

/** The peer answered with an error. */
public final class RemoteCallException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient WireError error;

    RemoteCallException(WireError error) {
        super(error.message(), null, false, false);
        this.error = error;
    }

    public WireError error() {
        return error;
    }
}
