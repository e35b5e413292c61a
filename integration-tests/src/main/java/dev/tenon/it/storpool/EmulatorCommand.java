package dev.tenon.it.storpool;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** An emulator for people, which runs until it is ended. */
@Command(
        name = "storpool-emulator",
        mixinStandardHelpOptions = true,
        description =
                "Answers as the HTTP API of a StorPool cluster, as far as PVE's plugin uses it. Its volumes are files and"
                        + " its state is gone when it ends.",
        footer = {
            "",
            "Example: bin/storpool-emulator --port 8181 --devices /tmp/storpool",
            "DIR/bin/storpool_confget is what a node would ask for the cluster's address and token."
        })
public final class EmulatorCommand implements Callable<Integer> {
    private static final int CLIENT = 1;

    @Option(
            names = "--port",
            paramLabel = "P",
            required = true,
            description = "port to listen on, on the loopback address; 0 for any that is free")
    private int port;

    @Option(
            names = "--devices",
            paramLabel = "DIR",
            required = true,
            description = "directory for volumes, devices (DIR/clients/1) and the stand-in for storpool_confget")
    private Path directory = Path.of("");

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "1234567890",
            description = "what clients must know (default: ${DEFAULT-VALUE})")
    private String token = "";

    @Option(
            names = "--template",
            paramLabel = "NAME",
            defaultValue = "hybrid",
            description = "a template; may be given more than once (default: ${DEFAULT-VALUE})")
    private List<String> templates = List.of();

    public static void main(String[] args) {
        System.exit(new CommandLine(new EmulatorCommand()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        try (Emulator emulator =
                Emulator.start(port, directory.toAbsolutePath(), token, new LinkedHashSet<>(templates))) {
            Path program = emulator.confget(directory.toAbsolutePath().resolve("bin"), CLIENT, token, Map.of());
            out.println("http://127.0.0.1:" + emulator.port() + "/ctrl/1.0/ answers; settings by " + program
                    + ", devices in " + emulator.cluster().devices(CLIENT));
            new CountDownLatch(1).await();
        }
        return 0;
    }
}
