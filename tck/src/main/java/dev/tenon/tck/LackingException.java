package dev.tenon.tck;

import org.opentest4j.TestAbortedException;

/** A test needs what the plugin does not do. Another test has that refused. */
final class LackingException extends TestAbortedException {
    private static final long serialVersionUID = 1L;

    LackingException(String message) {
        super(message);
    }
}
