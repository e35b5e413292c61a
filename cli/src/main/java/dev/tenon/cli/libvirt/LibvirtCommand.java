package dev.tenon.cli.libvirt;

import picocli.CommandLine.Command;

/** The commands about libvirt's XML. */
@Command(
        name = "libvirt",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Writes storages and volumes as the XML of libvirt's pools and volumes, and makes them from it.",
        subcommands = {PoolDumpxmlCommand.class, VolDumpxmlCommand.class, DefineCommand.class},
        footer = {
            "",
            "Example: tenon libvirt pool-dumpxml fast > pool.xml && virsh pool-define pool.xml",
            "Exit status: 0 done, 1 failed and nothing is changed, 2 wrong usage,",
            "3 failed and whether it took effect is not known, 130 cancelled by Ctrl-C."
        })
public final class LibvirtCommand {}
