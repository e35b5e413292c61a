package dev.tenon.core.linux;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** Nobody reads any more what is written into a pipe or socket. */
public final class PeerClosedException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    PeerClosedException(String file, @Nullable String other, String reason) {
        super(file, other, reason);
    }
}
