package dev.tenon.core.command;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Keeps the beginning of what a command writes; the rest is read and dropped, so that the command never blocks. */
final class OutputText extends OutputStream {
    static final int LONGEST = 16 * 1024 * 1024;

    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private final Consumer<String> listener;
    private boolean cut;

    /** Tells the listener each piece as it comes; pieces end anywhere. */
    OutputText(Consumer<String> listener) {
        this.listener = listener;
    }

    @Override
    public synchronized void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
        int room = Math.min(length, LONGEST - kept.size());
        kept.write(bytes, offset, room);
        cut |= room < length;
        listener.accept(new String(bytes, offset, length, StandardCharsets.UTF_8));
    }

    synchronized boolean isCut() {
        return cut;
    }

    synchronized String text() {
        return kept.toString(StandardCharsets.UTF_8);
    }
}
