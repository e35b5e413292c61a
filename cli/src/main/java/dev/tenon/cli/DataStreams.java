package dev.tenon.cli;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.StandardStreams;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/** Standard input and output of a command, where they carry a volume or a secret instead of text. */
public sealed interface DataStreams {
    /** Whether somebody reads standard output on a terminal. */
    boolean isOutputTerminal();

    /** Whether standard input is what somebody types. */
    boolean isInputTerminal();

    /** Standard output for the command alone: nothing else is printed there from now on. */
    Descriptor takeOutput() throws IOException;

    /** Standard input for the command alone. */
    Descriptor takeInput() throws IOException;

    /** Standard input, for text. */
    InputStream input();

    /** The streams of this process. */
    record OfProcess() implements DataStreams {
        @Override
        public boolean isOutputTerminal() {
            return StandardStreams.isOutputTerminal();
        }

        @Override
        public boolean isInputTerminal() {
            return StandardStreams.isInputTerminal();
        }

        @Override
        public Descriptor takeOutput() throws IOException {
            return StandardStreams.takeOutput();
        }

        @Override
        public Descriptor takeInput() throws IOException {
            return StandardStreams.takeInput();
        }

        @Override
        public InputStream input() {
            return System.in;
        }
    }

    /** As if both were redirected to {@code /dev/null}: for a command in a process that is not its own. */
    record Nothing() implements DataStreams {
        private static final Path FILE = Path.of("/dev/null");

        @Override
        public boolean isOutputTerminal() {
            return false;
        }

        @Override
        public boolean isInputTerminal() {
            return false;
        }

        @Override
        public Descriptor takeOutput() throws IOException {
            return Descriptor.openForWriting(FILE);
        }

        @Override
        public Descriptor takeInput() throws IOException {
            return Descriptor.openForReading(FILE);
        }

        @Override
        public InputStream input() {
            return InputStream.nullInputStream();
        }
    }
}
