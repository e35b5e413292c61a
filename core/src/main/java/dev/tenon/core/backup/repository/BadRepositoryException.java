package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.io.Serial;

/**
 * Something in the repository is not what it must be: damaged, missing, or of a version that this build does not know. The
 * message names the file or chunk, and what to do. None of its data is used.
 */
public final class BadRepositoryException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    BadRepositoryException(String message) {
        super(message);
    }
}
