package dev.tenon.core.backup.host;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BackupStatistics;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One backup job of one guest: the calls to the provider, and what the host does between them, in the order in which PVE's
 * vzdump has them. Whatever fails, the cleanup calls come, and nothing of the host's own is left.
 */
public final class BackupRun {
    /** The words by which a provider knows that somebody stopped the job. */
    static final String INTERRUPTED = "interrupted by signal";

    private final StorageService service;
    private final BackupRequest request;
    private final Path runDirectory;
    private final TaskLog log;

    /**
     * A run that has not begun.
     *
     * @param runDirectory where sockets and logs go while it runs; a short path
     * @param log what the host and the provider say
     */
    public BackupRun(StorageService service, BackupRequest request, Path runDirectory, TaskLog log) {
        this.service = service;
        this.request = request;
        this.runDirectory = runDirectory;
        this.log = log;
    }

    /** What is backed up, and how it is handed to the provider. */
    interface Source extends AutoCloseable {
        GuestType type();

        /** Finds the guest's data; nothing is asked of the provider yet. */
        void prepare(WorkDirectory work, BackupRequest request) throws IOException;

        /** Hands it over. When this returns, the archive is the provider's to keep. */
        void handOver(BackupProvider provider, BackupRequest request, RunLog log) throws IOException;

        /** The host's part of the end, once the archive is there. */
        void committed() throws IOException;

        Map<DeviceName, BitmapMode> bitmaps();

        @Override
        void close();
    }

    /**
     * Backs up a VM.
     *
     * @throws StorageException {@code FAILED_CLEAN} before the archive is there, {@code UNKNOWN} afterwards; what the
     *     provider throws; {@code CANCELLED} after an interrupt of the thread, which it stays
     */
    public MadeBackup ofVm(DiskOpener disks) {
        return run(new VmSource(disks));
    }

    /** Backs up a container, as {@link #ofVm}. */
    public MadeBackup ofContainer(ContainerRequest container) {
        return run(new ContainerSource(container));
    }

    private MadeBackup run(Source source) {
        Instant start = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        try (WorkDirectory work = WorkDirectory.make(runDirectory);
                RunLog told = RunLog.open(work.resolve("task.log"), log);
                BackupProvider provider = service.newBackupProvider(request.storage(), told.ofProvider())) {
            return job(provider, source, start, work, told);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "no backup can begin in '" + runDirectory + "'");
        }
    }

    private MadeBackup job(BackupProvider provider, Source source, Instant start, WorkDirectory work, RunLog told) {
        try {
            provider.initJob(start);
            MadeBackup made = guest(provider, source, start, work, told);
            provider.cleanupJob();
            return made;
        } catch (RuntimeException e) {
            try {
                Uninterrupted.run(provider::cleanupJob);
            } catch (RuntimeException again) {
                told.warn("the job's cleanup failed: " + again.getMessage());
            }
            throw e;
        }
    }

    private MadeBackup guest(BackupProvider provider, Source source, Instant start, WorkDirectory work, RunLog told) {
        MadeBackup made;
        try {
            made = archive(provider, source, start, work, told);
        } catch (RuntimeException e) {
            try {
                handLog(provider, work, told);
            } catch (RuntimeException again) {
                told.warn("the provider did not take the log: " + again.getMessage());
                e.addSuppressed(again);
            }
            throw e;
        }
        handLog(provider, work, told);
        return made;
    }

    private MadeBackup archive(BackupProvider provider, Source source, Instant start, WorkDirectory work, RunLog told) {
        told.info("INFO: backup of guest " + request.guest() + " to storage '" + request.storage() + "' by "
                + provider.providerName());
        Step step = new Step();
        try (source) {
            try {
                source.prepare(work, request);
                ArchiveName name = provider.initBackup(request.guest(), source.type(), start);
                VolumeId volume = new VolumeId(request.storage(), name.volume());
                told.info("INFO: archive is '" + volume + "'");
                source.handOver(provider, request, told);
                step.archive = volume;
                refuseInterrupted();
                settle(source, told);
                note(volume, source.type(), told);
                BackupStatistics statistics = provider.cleanupBackup(request.guest(), source.type());
                told.info("INFO: archive has " + statistics.archiveSize().shown());
                return new MadeBackup(volume, statistics.archiveSize(), source.bitmaps());
            } catch (IOException | RuntimeException e) {
                source.close();
                throw failed(provider, source.type(), step, e, told);
            }
        }
    }

    /** How far it came. */
    private static final class Step {
        @Nullable
        VolumeId archive;
    }

    private void refuseInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, INTERRUPTED);
        }
    }

    /** A failure with bitmaps makes the next backup larger, but this one is good. */
    private static void settle(Source source, RunLog told) {
        try {
            source.committed();
        } catch (IOException e) {
            told.warn("the next backup will read more than it needs: " + e.getMessage());
        }
    }

    private void note(VolumeId volume, GuestType type, RunLog told) {
        if (request.notes() != null) {
            try {
                service.updateAttribute(volume, VolumeAttribute.NOTES, request.notes());
            } catch (StorageException e) {
                told.warn("unable to add notes: " + e.getMessage());
            }
        }
        if (request.isProtected()) {
            service.updateAttribute(volume, VolumeAttribute.PROTECTED, "1");
        }
        if (request.retention() != null) {
            service.pruneBackups(
                    request.storage(),
                    request.retention(),
                    new BackupSelection(request.guest(), type.word()),
                    false,
                    told.ofProvider());
        }
    }

    private StorageException failed(BackupProvider provider, GuestType type, Step step, Exception why, RunLog told) {
        boolean isInterrupted = Thread.interrupted();
        String words = isInterrupted ? INTERRUPTED : String.valueOf(why.getMessage());
        told.error("ERROR: backup of guest " + request.guest() + " failed: " + words);
        try {
            provider.abortBackup(request.guest(), type, words);
        } catch (RuntimeException e) {
            told.warn("the provider's cleanup failed: " + e.getMessage());
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
        String archive = step.archive == null ? "" : "; the archive '" + step.archive + "' may be there all the same";
        Outcome outcome = step.archive == null ? Outcome.FAILED_CLEAN : Outcome.UNKNOWN;
        StorageError error = isInterrupted
                ? StorageError.CANCELLED
                : switch (why) {
                    case StorageException known -> known.error();
                    case IOException failure ->
                        Failures.of(failure, outcome, "").error();
                    default -> StorageError.INTERNAL;
                };
        return new StorageException(
                error, outcome, "the backup of guest " + request.guest() + " failed: " + words + archive, why);
    }

    private void handLog(BackupProvider provider, WorkDirectory work, RunLog told) {
        Uninterrupted.run(() -> {
            told.endFile();
            provider.handleLogFile(request.guest(), work.resolve("task.log"));
        });
    }
}
