package dev.tenon.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.commons.exec.CommandLine;
import org.apache.commons.exec.DefaultExecutor;
import org.apache.commons.exec.ExecuteException;
import org.apache.commons.exec.PumpStreamHandler;

/** Runs programs of the host. */
final class Host {
    private Host() {}

    /** Runs a program to its end, which must be a good one. */
    static void run(String... arguments) throws IOException {
        CommandLine command =
                new CommandLine(arguments[0]).addArguments(Arrays.copyOfRange(arguments, 1, arguments.length), false);
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        DefaultExecutor executor = DefaultExecutor.builder()
                .setExecuteStreamHandler(new PumpStreamHandler(output))
                .get();
        try {
            executor.execute(command);
        } catch (ExecuteException e) {
            throw new IOException(
                    "command '" + String.join(" ", arguments) + "' failed: "
                            + output.toString(StandardCharsets.UTF_8).strip(),
                    e);
        }
    }
}
