package dev.tenon.cli.backup;

import dev.tenon.cli.storage.PruneCommand;
import picocli.CommandLine.Command;

/** Removes old backups: {@code tenon storage prune} by the name that who works with backups looks for. */
@Command(
        name = "prune",
        mixinStandardHelpOptions = true,
        description = "Removes the backups that need not be kept, by PVE's rules, and lists what happened to each."
                + " Protected ones stay. The same as 'tenon storage prune'.",
        footer = {"", "Example: tenon backup prune keep --keep keep-last=3,keep-weekly=4 --dry-run"})
final class PruneBackupsCommand extends PruneCommand {}
