package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A command on a whole repository. */
@Command
abstract class RepositoryCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(
            index = "0",
            paramLabel = "REPOSITORY",
            description = "a storage of type tenonbackup, or the directory of a repository, with a slash in it")
    private String repository = "";

    /** Does it. */
    protected abstract void run(Repository opened) throws IOException;

    @Override
    protected final void run(Host host) throws IOException {
        Path directory = repository.contains("/")
                ? Surroundings.of(command).path(repository)
                : directory(host, new StorageId(repository));
        try (Repository opened = Repository.open(directory)) {
            run(opened);
        }
    }

    /** Where the repository of a storage is. */
    static Path directory(Host host, StorageId id) throws IOException {
        host.of(id);
        Storage storage = host.configuration().current().get(id);
        if (!storage.config().type().equals("tenonbackup")) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + id + "' is of type " + storage.config().type()
                            + ", and only a storage of type tenonbackup has a repository");
        }
        return Path.of(storage.config()
                .text("path")
                .orElseThrow(
                        () -> StorageException.refused(StorageError.BAD_CONFIG, "storage '" + id + "' has no path")));
    }
}
