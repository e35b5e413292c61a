package dev.tenon.cli.storage;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The storages of this machine. */
@Command(
        name = "storage",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Lists, adds, changes and uses the storages that are configured in storage.cfg.",
        subcommands = {
            ListCommand.class,
            StatusCommand.class,
            AddCommand.class,
            SetCommand.class,
            RemoveCommand.class,
            ActivateCommand.class,
            DeactivateCommand.class,
            PruneCommand.class
        },
        footer = {
            "",
            "Example: tenon storage add dir fast --path /srv/fast --content images,iso",
            "Exit status: 0 done, 1 failed and nothing is changed, 2 wrong usage,",
            "3 failed and whether it took effect is not known, 130 cancelled by Ctrl-C."
        })
public final class StorageCommand {
    /** Lets the commands that take properties of storages take options that only a storage type knows. */
    public static void configure(CommandLine tenon) {
        tenon.getSubcommands().values().stream()
                .flatMap(line -> line.getSubcommands().values().stream())
                .filter(line -> line.getCommand() instanceof PropertiesCommand)
                .forEach(line -> line.setUnmatchedOptionsArePositionalParams(true));
    }
}
