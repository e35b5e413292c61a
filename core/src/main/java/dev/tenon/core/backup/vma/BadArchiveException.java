package dev.tenon.core.backup.vma;

import java.io.IOException;
import java.io.Serial;

/** An archive is damaged or cut, or the data is not an archive. The message says where. */
public final class BadArchiveException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    public BadArchiveException(String message) {
        super(message);
    }
}
