package dev.tenon.core.spi;

/** What is known about the effect of a call that failed. */
public enum Outcome {
    /** The call never began; it may be repeated. */
    NOT_STARTED,
    /** The call failed and left nothing changed; it may be repeated once its cause is fixed. */
    FAILED_CLEAN,
    /** The call may or may not have taken effect; look at the storage before you repeat it. */
    UNKNOWN
}
