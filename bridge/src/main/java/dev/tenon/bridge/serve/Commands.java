package dev.tenon.bridge.serve;

import static dev.tenon.bridge.codec.Codec.INTEGER;
import static dev.tenon.bridge.codec.Codec.TEXT;

import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.session.IncomingCall;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** How others have the daemon run commands: one call, which names no plugin. */
final class Commands {
    static final String COMMAND = "command";

    private static final long OUT = 1;
    private static final long ERR = 2;

    /** A text of the wire has at most 4 MiB, and a character at most 3 bytes. */
    private static final int MOST_CHARACTERS = 1 << 20;

    private static final Codec<Map<String, String>> TEXTS = TEXT.mapped(Function.identity(), Function.identity());

    private final CommandRunner runner;
    private final int uid;

    Commands(CommandRunner runner, int uid) {
        this.runner = runner;
        this.uid = uid;
    }

    /** Answers the call, if its caller is the user that runs the daemon: another one has other rights. */
    Value call(IncomingCall call) {
        if (call.peer().uid() != uid) {
            throw StorageException.refused(
                    StorageError.PERMISSION_DENIED,
                    "a command of user " + call.peer().uid() + " is not run by the daemon of user " + uid);
        }
        try {
            return write(runner.run(read(call.params()), call.session().closed()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(
                    StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the command was cancelled by its caller", e);
        }
    }

    private static CommandRunner.Asked read(Value.Fields params) {
        return new CommandRunner.Asked(
                TEXT.list().read(param(params, "words")),
                TEXT.read(param(params, "directory")),
                Math.toIntExact(INTEGER.read(param(params, "columns"))),
                TEXTS.read(param(params, "place")),
                TEXTS.read(param(params, "environment")));
    }

    private static Value param(Value.Fields params, String name) {
        Value value = Objects.requireNonNullElse(params.get(name), Value.Nil.NIL);
        if (value instanceof Value.Nil) {
            throw new ProtocolException(ErrorCode.BAD_PARAMETER, COMMAND + ": the parameter '" + name + "' is missing");
        }
        return value;
    }

    private static Value write(CommandRunner.Ended ended) {
        List<Value> output = new ArrayList<>();
        for (CommandRunner.Printed printed : ended.output()) {
            for (String part : parts(printed.text())) {
                output.add(new Value.Int(printed.isError() ? ERR : OUT));
                output.add(new Value.Text(part));
            }
        }
        return Value.fields("output", new Value.Seq(output), "status", new Value.Int(ended.status()));
    }

    private static List<String> parts(String text) {
        List<String> parts = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int to = Math.min(from + MOST_CHARACTERS, text.length());
            // Both halves of a character stay together.
            if (to < text.length() && Character.isHighSurrogate(text.charAt(to - 1))) {
                to--;
            }
            parts.add(text.substring(from, to));
            from = to;
        }
        return parts;
    }
}
