package dev.tenon.cli.volume;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What is on the storages. */
@Command(
        name = "volume",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description =
                "Lists, makes, changes and removes volumes: the images of guests, ISOs, backups and what else is on"
                        + " storages. A volume is named by its volume id, STORAGE:NAME.",
        subcommands = {
            ListCommand.class,
            InfoCommand.class,
            PathCommand.class,
            AllocCommand.class,
            FreeCommand.class,
            CloneCommand.class,
            BaseCommand.class,
            SnapshotCommand.class,
            SnapshotsCommand.class,
            RollbackCommand.class,
            ResizeCommand.class,
            RenameCommand.class,
            ActivateCommand.class,
            DeactivateCommand.class,
            NotesCommand.class,
            ProtectCommand.class
        },
        footer = {
            "",
            "Example: tenon volume alloc fast --vmid 100 --size 32G --format qcow2",
            "Exit status: 0 done, 1 failed and nothing is changed, 2 wrong usage,",
            "3 failed and whether it took effect is not known, 130 cancelled by Ctrl-C."
        })
public final class VolumeCommand {
    /** Lets {@code resize VOLID -1G} be told what is wrong with it: it is a size and no option. */
    public static void configure(CommandLine tenon) {
        tenon.getSubcommands().values().stream()
                .flatMap(line -> line.getSubcommands().values().stream())
                .filter(line -> line.getCommand() instanceof ResizeCommand)
                .forEach(line -> line.setUnmatchedOptionsArePositionalParams(true));
    }
}
