package dev.tenon.bridge.session;

/** The connection ended before the answer came; whether the call took effect is not known. */
public final class SessionClosedException extends Exception {
    private static final long serialVersionUID = 1L;

    SessionClosedException(String reason) {
        super(reason);
    }

    /** Never null; there is no such exception without a sentence. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
