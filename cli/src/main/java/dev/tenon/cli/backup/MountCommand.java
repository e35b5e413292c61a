package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.tenonbackup.ShownBackup;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The disks of a backup as files. */
@Command(
        name = "mount",
        mixinStandardHelpOptions = true,
        description =
                "Shows the disks of a VM's backup as raw images in a directory, each named after its device, until it"
                        + " is ended by Ctrl-C, or from another terminal by 'kill -TERM PID' with the number that it prints;"
                        + " then they are gone. Nothing is copied, and nothing can be written."
                        + " It needs root, and FUSE or the module nbd. The files of a container are seen with 'tenon backup ls',"
                        + " 'cat' and 'extract'.",
        footer = {
            "",
            "Example: tenon backup mount keep:backup/qemu/100/2026-01-02T03:04:05Z /mnt/backup",
            "Example: guestmount --ro -a /mnt/backup/drive-scsi0.raw -i /mnt/files"
        })
final class MountCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "VOLID", description = "the backup of a VM, on a storage of type tenonbackup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Parameters(index = "1", paramLabel = "DIR", description = "an empty directory, made if it is missing")
    private String directory = "";

    @Mixin
    private RunDirectory runDirectory = new RunDirectory();

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        Path place = Surroundings.of(command).path(directory);
        try (Repository repository = RepositoryCommand.open(host, archive.storage());
                ShownBackup shown = new ShownBackup(repository, archive, runDirectory.path(), place.toAbsolutePath())) {
            if (json.isGiven()) {
                Map<String, String> disks = new LinkedHashMap<>();
                shown.files().forEach((device, file) -> disks.put(device.value(), file.toString()));
                Json.print(
                        out(),
                        Json.object(
                                "directory",
                                place.toString(),
                                "disks",
                                disks,
                                "pid",
                                ProcessHandle.current().pid()));
            } else {
                shown.files().values().forEach(out()::println);
                err().println("the disks are there until this command is ended: by Ctrl-C, or 'kill -TERM "
                        + ProcessHandle.current().pid() + "'");
            }
            out().flush();
            err().flush();
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            // What was asked for; the exit status is that of the signal.
            throw new StorageException(StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the disks are gone", e);
        }
    }
}
