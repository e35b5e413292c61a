package dev.tenon.cli.backup;

import picocli.CommandLine.Command;

/** Backups of guests. */
@Command(
        name = "backup",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description =
                "Backs up guests to storages that keep backups of their own kind, in Perl or in Java, and restores them:"
                        + " what PVE's vzdump and its restores do, on any machine.",
        subcommands = {
            CreateCommand.class,
            ListCommand.class,
            ShowCommand.class,
            RestoreCommand.class,
            ExtractConfigCommand.class,
            LsCommand.class,
            MountCommand.class,
            CatCommand.class,
            ExtractCommand.class,
            ForgetCommand.class,
            PruneBackupsCommand.class,
            CopyBackupCommand.class,
            InitCommand.class,
            KeyCommand.class,
            VerifyCommand.class,
            CollectCommand.class,
            StatsCommand.class,
            DiffCommand.class,
            ImportArchiveCommand.class,
            ExportArchiveCommand.class,
            EndAccessCommand.class
        },
        footer = {
            "",
            "Example: tenon backup create --storage vault --vmid 100 --disk /srv/vm.qcow2 --guest-config vm.conf",
            "Exit status: 0 done, 1 failed and nothing is changed, 2 wrong usage,",
            "3 failed and whether it took effect is not known, 130 cancelled by Ctrl-C."
        })
public final class BackupCommand {}
