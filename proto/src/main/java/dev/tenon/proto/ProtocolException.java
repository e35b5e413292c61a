package dev.tenon.proto;

/**
 * Something breaks the contract: a frame, or a call inside a good frame. The message is one sentence. A bad frame ends the
 * connection; a bad call only gets an error for its answer.
 */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public ProtocolException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    /** Never null; every such exception has a message. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }

    public ErrorCode code() {
        return code;
    }
}
