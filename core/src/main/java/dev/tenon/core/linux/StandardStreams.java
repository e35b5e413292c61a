package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Standard input and output of this process, for one exclusive user. */
public final class StandardStreams {
    private static final int INPUT = 0;
    private static final int OUTPUT = 1;
    private static final int ERROR = 2;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FIRST_OTHER = 3;
    private static final Path NOTHING = Path.of("/dev/null");

    private static final MethodHandle ISATTY =
            CLibrary.functionWithErrno("isatty", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle DUP2 = CLibrary.functionWithErrno(
            "dup2", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private StandardStreams() {}

    /** Whether somebody reads standard output on a terminal. */
    public static boolean isOutputTerminal() {
        return isTerminal(OUTPUT);
    }

    /** Whether standard input is a terminal. */
    public static boolean isInputTerminal() {
        return isTerminal(INPUT);
    }

    private static boolean isTerminal(int number) {
        return CLibrary.call("isatty", state -> (int) ISATTY.invokeExact(state, number)) == 1;
    }

    /**
     * Takes standard output. Whatever else this process, or one that it starts, prints there goes to standard error from
     * now on.
     */
    public static Descriptor takeOutput() throws IOException {
        Descriptor taken = take(OUTPUT, "standard output");
        replace(OUTPUT, ERROR, "standard output");
        return taken;
    }

    /** Takes standard input. Nobody else reads from it any more. */
    public static Descriptor takeInput() throws IOException {
        Descriptor taken = take(INPUT, "standard input");
        try (Descriptor nothing = Descriptor.openForReading(NOTHING)) {
            replace(INPUT, nothing.number(), "standard input");
        }
        return taken;
    }

    private static Descriptor take(int number, String name) throws IOException {
        long copy = CLibrary.call(
                "fcntl", state -> (int) SharedCalls.FCNTL.invokeExact(state, number, F_DUPFD_CLOEXEC, FIRST_OTHER));
        return Descriptor.of((int) CLibrary.checked(copy, name), name);
    }

    private static void replace(int number, int other, String name) throws IOException {
        CLibrary.checked(CLibrary.call("dup2", state -> (int) DUP2.invokeExact(state, other, number)), name);
    }
}
