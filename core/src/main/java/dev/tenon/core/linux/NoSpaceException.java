package dev.tenon.core.linux;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** The file system is full, or the user's quota is used up. */
public final class NoSpaceException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    NoSpaceException(String file, @Nullable String other, String reason) {
        super(file, other, reason);
    }
}
