package dev.tenon.proto;

/** What the side that reports an error knows about the effect of the call. */
public enum Outcome {
    /** The call never began; it may be repeated. */
    NOT_STARTED,
    /** The call failed and left nothing changed; it may be repeated once its cause is mended. */
    FAILED_CLEAN,
    /** The call may or may not have taken effect; look before repeating it. */
    UNKNOWN
}
