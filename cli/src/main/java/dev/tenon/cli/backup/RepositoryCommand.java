package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.tenonbackup.StorageRepository;
import dev.tenon.host.Host;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

    @Mixin
    private KeyOptions key = new KeyOptions();

    /** Does it. */
    protected abstract void run(Repository opened) throws IOException;

    @Override
    protected final void run(Host host) throws IOException {
        try (Repository opened = open(host)) {
            run(opened);
        }
    }

    private Repository open(Host host) throws IOException {
        Unlocking by = key.given();
        if (repository.contains("/")) {
            return Repository.open(Surroundings.of(command).path(repository), by);
        }
        Storage storage = storage(host, new StorageId(repository));
        return by == null ? StorageRepository.open(storage) : Repository.open(StorageRepository.directory(storage), by);
    }

    /** Opens the repository of a storage by its key. */
    static Repository open(Host host, StorageId id) throws IOException {
        return StorageRepository.open(storage(host, id));
    }

    /** A storage that has a repository. */
    private static Storage storage(Host host, StorageId id) throws IOException {
        host.of(id);
        Storage storage = host.configuration().current().get(id);
        if (!storage.config().type().equals("tenonbackup")) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "storage '" + id + "' is of type " + storage.config().type()
                            + ", and only a storage of type tenonbackup has a repository");
        }
        return storage;
    }
}
