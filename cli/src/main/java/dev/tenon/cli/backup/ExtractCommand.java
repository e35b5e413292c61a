package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.core.linux.Directories;
import dev.tenon.core.storage.tenonbackup.ContainerFiles;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Single files and directories of a container's backup. */
@Command(
        name = "extract",
        mixinStandardHelpOptions = true,
        description =
                "Unpacks a file or a directory of a container's backup into a directory, with all that tar knows of"
                        + " it, set-id bits and capabilities included, as tar and borg do: unpack what you do not trust where"
                        + " only root can go; a directory that is made is such a one. Owners are the container's numbers,"
                        + " if root does it. Files of the same names are overwritten. How much is unpacked is limited by"
                        + " the space in the directory only.",
        footer = {"", "Example: tenon backup extract keep:backup/lxc/101/2026-01-02T03:04:05Z /etc/ssh /srv/found"})
final class ExtractCommand extends FilesCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(index = "1", paramLabel = "PATH", description = "in the container; / is all of it")
    private String path = "";

    @Parameters(index = "2", paramLabel = "DIR", description = "the directory to unpack into; made if it is missing")
    private String directory = "";

    @Override
    protected void run(ContainerFiles files) throws IOException {
        Path into = Surroundings.of(command).path(directory);
        Directories.make(into, "rwx------");
        files.extract(path, into);
        out().println(into);
    }
}
