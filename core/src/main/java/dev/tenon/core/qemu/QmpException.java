package dev.tenon.core.qemu;

import java.io.IOException;
import java.io.Serial;

/**
 * A QMP command that was refused, after which the connection goes on, or a connection that is no longer usable ({@link
 * #isLost()}); then it is not known whether the last command took effect.
 */
public final class QmpException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final boolean isLost;

    private QmpException(String message, boolean isLost) {
        super(message);
        this.isLost = isLost;
    }

    static QmpException refused(String command, String words) {
        return new QmpException("QMP command '" + command + "' is refused: " + words, false);
    }

    static QmpException lost(String message) {
        return new QmpException(message, true);
    }

    /** The same, with what most likely is the reason. */
    public QmpException because(String reason) {
        QmpException explained = new QmpException(getMessage() + " (" + reason + ")", isLost);
        explained.initCause(this);
        return explained;
    }

    /** Whether the connection ended, or what came over it was not the protocol. */
    public boolean isLost() {
        return isLost;
    }
}
