package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Removes the backups that are marked for it. */
public final class BackupRemoval {
    private BackupRemoval() {}

    /**
     * Removes as many as it can.
     *
     * @param removing removes one
     * @throws StorageException if one could not be removed; the log says why
     */
    public static void run(List<PruneMark> marks, Consumer<PruneMark> removing, TaskLog log) {
        List<StorageException> failures = new ArrayList<>();
        int count = 0;
        for (PruneMark mark : marks) {
            if (!mark.mark().equals(Pruning.REMOVE)) {
                continue;
            }
            count++;
            log.log(TaskLog.Level.INFO, "removing backup '" + mark.volid() + "'");
            try {
                removing.accept(mark);
            } catch (StorageException e) {
                failures.add(e);
                log.log(TaskLog.Level.ERR, "error when removing backup '" + mark.volid() + "' - " + e.getMessage());
            }
        }
        if (!failures.isEmpty()) {
            throw failed(failures, count);
        }
    }

    private static StorageException failed(List<StorageException> failures, int count) {
        StorageException first = failures.getFirst();
        boolean isClean = failures.size() == count && failures.stream().noneMatch(e -> e.outcome() == Outcome.UNKNOWN);
        return new StorageException(
                first.error(),
                isClean ? Outcome.FAILED_CLEAN : Outcome.UNKNOWN,
                "error pruning backups - check log: " + failures.size() + " of " + count + " could not be removed",
                first);
    }
}
