package dev.tenon.cli;

import dev.tenon.bridge.serve.CommandRunner.Printed;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a command prints to standard output and standard error, in its order, up to a length. */
final class KeptOutput {
    private final int most;

    // guarded by this
    private final List<Piece> pieces = new ArrayList<>();
    private int length;
    private boolean isCut;

    private record Piece(boolean isError, StringBuilder text) {}

    KeptOutput(int most) {
        this.most = most;
    }

    /** Where the command prints to. */
    Writer writer(boolean isError) {
        return new Writer() {
            @Override
            public void write(char[] buffer, int offset, int count) {
                add(isError, buffer, offset, count);
            }

            @Override
            public void flush() {
                // is kept at once
            }

            @Override
            public void close() {
                // keeps nothing open
            }
        };
    }

    private synchronized void add(boolean isError, char[] buffer, int offset, int count) {
        if (isCut || count > most - length) {
            isCut = true;
            return;
        }
        length += count;
        if (pieces.isEmpty() || pieces.getLast().isError() != isError) {
            pieces.add(new Piece(isError, new StringBuilder()));
        }
        pieces.getLast().text().append(buffer, offset, count);
    }

    /** All of it; empty if it was too long. What is no text is a question mark, as in a process of its own. */
    synchronized Optional<List<Printed>> printed() {
        return isCut
                ? Optional.empty()
                : Optional.of(pieces.stream()
                        .map(piece -> new Printed(
                                piece.isError(),
                                new String(
                                        piece.text().toString().getBytes(StandardCharsets.UTF_8),
                                        StandardCharsets.UTF_8)))
                        .toList());
    }
}
