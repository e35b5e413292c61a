package dev.tenon.core.config;

/**
 * Something in {@code storage.cfg} that is left out when it is read.
 *
 * @param line where it stands, from 1
 * @param text one sentence
 * @param isError whether the file must be mended by hand before anything in it can be changed
 */
public record Problem(int line, String text, boolean isError) {
    @Override
    public String toString() {
        return "line " + line + ": " + text;
    }
}
