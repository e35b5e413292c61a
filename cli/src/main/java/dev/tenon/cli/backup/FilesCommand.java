package dev.tenon.cli.backup;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.tenonbackup.ContainerFiles;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** A command on single files of a container's backup. */
@Command
abstract class FilesCommand extends HostCommand {
    @Parameters(
            index = "0",
            paramLabel = "VOLID",
            description = "the backup of a container, on a storage of type tenonbackup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    /** Does it. */
    protected abstract void run(ContainerFiles files) throws IOException;

    @Override
    protected final boolean isReading() {
        return true;
    }

    @Override
    protected final void run(Host host) throws IOException {
        try (Repository repository = RepositoryCommand.open(host, archive.storage());
                ContainerFiles files = new ContainerFiles(repository, archive)) {
            run(files);
        }
    }
}
