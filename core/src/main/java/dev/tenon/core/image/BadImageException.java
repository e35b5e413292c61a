package dev.tenon.core.image;

/** A file is not an image of the format that its name promises; the message says what is wrong with it. */
final class BadImageException extends Exception {
    private static final long serialVersionUID = 1L;

    BadImageException(String message) {
        super(message, null, false, false);
    }
}
