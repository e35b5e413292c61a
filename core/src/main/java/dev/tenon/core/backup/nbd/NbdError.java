package dev.tenon.core.backup.nbd;

/**
 * Why a request was refused, as the protocol's numbers say. QEMU's server answers {@link #INVALID} to a write behind the
 * end where others answer {@link #NO_SPACE}.
 */
public enum NbdError {
    /** The export is read-only, or the operation is not allowed. */
    NOT_PERMITTED(1),
    /** Reading or writing failed. */
    IO(5),
    /** The server has no memory. */
    NO_MEMORY(12),
    /** The request is not valid here, for instance outside of the export. */
    INVALID(22),
    /** There is no space left. */
    NO_SPACE(28),
    /** The answer would be too large. */
    OVERFLOW(75),
    /** The server cannot do this. */
    NOT_SUPPORTED(95),
    /** The server is shutting down. */
    SHUTTING_DOWN(108),
    /** The connection ended, or what came over it is not the protocol. No number stands for it. */
    CONNECTION_LOST(0);

    private final int number;

    NbdError(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    /** The error of a number; a number that the protocol does not have counts as {@link #INVALID}, as it demands. */
    static NbdError of(int number) {
        for (NbdError error : values()) {
            if (error.number == number && number != 0) {
                return error;
            }
        }
        return INVALID;
    }
}
