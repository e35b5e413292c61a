package dev.tenon.cli;

import dev.tenon.cli.demo.DemoCommand;
import dev.tenon.cli.inspect.InspectCommand;
import dev.tenon.core.spi.StorageException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What Tenon can do, as a table of contents. */
@Command(
        name = "tenon",
        mixinStandardHelpOptions = true,
        version = "tenon 0.1.0",
        description = "Joins the Perl storage plugins of Proxmox VE to storage written in Java, in both directions.",
        subcommands = {
            AdoptCommand.class,
            DemoCommand.class,
            InspectCommand.class,
            ProxyCommand.class,
            ReleaseCommand.class,
            ServeCommand.class
        },
        footer = {
            "",
            "Example: tenon demo",
            "Exit status: 0 done, 1 failed (the reason is on standard error), 2 wrong usage."
        })
public final class Tenon {
    private Tenon() {}

    public static void main(String[] args) {
        int status = new CommandLine(new Tenon())
                .setExecutionExceptionHandler((e, line, result) -> {
                    String message = e instanceof StorageException storage
                            ? storage.getMessage() + " [" + storage.error() + ", " + storage.outcome() + "]"
                            : e.getMessage() == null ? e.toString() : e.getMessage();
                    line.getErr().println("tenon: " + message);
                    return 1;
                })
                .execute(args);
        System.exit(status);
    }
}
