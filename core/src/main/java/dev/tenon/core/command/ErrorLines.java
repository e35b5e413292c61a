package dev.tenon.core.command;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs every line that a command writes to standard error, and keeps the first and the last one that are not blank. A line
 * that says {@code ERROR:}, as those of btrfs do, counts as the first if none did before.
 */
final class ErrorLines extends OutputStream {
    private static final Logger LOG = LoggerFactory.getLogger(ErrorLines.class);
    private static final int LONGEST_LINE = 4096;
    private static final String ERROR = "ERROR: ";

    private final String program;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private @Nullable String first;
    private @Nullable String last;

    ErrorLines(String program) {
        this.program = program;
    }

    @Override
    public synchronized void write(int b) {
        if (b == '\n') {
            endLine();
        } else if (line.size() < LONGEST_LINE) {
            line.write(b);
        }
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            write(bytes[i]);
        }
    }

    /** The last line that is not blank, null if there was none. */
    synchronized @Nullable String last() {
        endLine();
        return last;
    }

    /** The first line that is not blank, or the first that says that it is an error; null if there was none. */
    synchronized @Nullable String first() {
        endLine();
        return first;
    }

    private void endLine() {
        String text = line.toString(StandardCharsets.UTF_8).strip();
        line.reset();
        if (!text.isEmpty()) {
            LOG.info("{}: {}", program, text);
            boolean saysError = text.startsWith(ERROR) && first != null && !first.startsWith(ERROR);
            first = first == null || saysError ? text : first;
            last = text;
        }
    }
}
