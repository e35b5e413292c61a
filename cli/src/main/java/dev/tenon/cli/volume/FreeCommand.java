package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Removes a volume. */
@Command(
        name = "free",
        mixinStandardHelpOptions = true,
        description =
                "Removes volumes; one that cannot be removed does not stop the others. The base image of linked clones is"
                        + " not removed. A volume that does not exist is a warning.",
        footer = {"", "Example: tenon volume free fast:100/vm-100-disk-0.raw fast:100/vm-100-disk-1.raw"})
final class FreeCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", arity = "1..*", description = "a volume, for instance fast:100/vm-100-disk-0.raw")
    private List<VolumeId> volumes = List.of();

    @Override
    protected void run(Host host) throws IOException {
        StorageException failure = null;
        boolean isAnyRemoved = false;
        for (VolumeId volume : volumes) {
            try {
                isAnyRemoved |= free(host.of(volume.storage()), volume);
            } catch (StorageException e) {
                if (volumes.size() == 1) {
                    throw e;
                }
                err().println("tenon: volume '" + volume + "' is not removed: " + e.getMessage());
                boolean isWorse = failure == null || e.outcome() == Outcome.UNKNOWN;
                failure = isWorse ? e : failure;
            }
        }
        if (failure != null) {
            Outcome outcome = isAnyRemoved ? Outcome.UNKNOWN : failure.outcome();
            throw new StorageException(failure.error(), outcome, "not all volumes are removed", failure);
        }
    }

    /** Whether there was something to remove. */
    private boolean free(StorageService service, VolumeId volume) {
        service.activateStorage(volume.storage());
        if (isMissing(service, volume)) {
            err().println("tenon: volume '" + volume + "' does not exist, so nothing is removed");
            return false;
        }
        service.freeImage(volume);
        return true;
    }

    /** Only what is certain: the removal itself reports everything else. */
    private static boolean isMissing(StorageService service, VolumeId volume) {
        try {
            service.volumeSizeInfo(volume, null);
            return false;
        } catch (StorageException e) {
            return e.error() == StorageError.NOT_FOUND;
        }
    }
}
