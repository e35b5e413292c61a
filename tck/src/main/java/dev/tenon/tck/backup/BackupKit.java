package dev.tenon.tck.backup;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.tck.Checked;
import dev.tenon.tck.Kit;
import dev.tenon.tck.Profile;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Checks the contract of a backup provider, for programs that are no tests themselves. */
public final class BackupKit {
    static final ScopedValue<Supplier<BackupSubject>> SUBJECTS = ScopedValue.newInstance();

    private static final Vmid GUEST = new Vmid(999_998);
    private static final Instant START = Instant.ofEpochSecond(1_600_000_000);
    private static final DeviceName DISK = new DeviceName("drive-scsi0");

    private BackupKit() {}

    /** Whether a plugin says that it gives providers. */
    public static boolean isProvider(StoragePlugin plugin) {
        return plugin.pluginData().features().contains("backup-provider");
    }

    /**
     * What a provider can do, by beginning backups and giving them up. What it offers and does not do fails the contract.
     *
     * @param storage an empty and active storage, which is empty afterwards
     * @param work an empty directory with a short path, for sockets
     * @throws StorageException if not even the backup of a VM can be begun
     */
    public static BackupSubject learn(StoragePlugin plugin, Storage storage, Path work) {
        boolean isIncremental = begun(plugin, storage, GuestType.QEMU, provider -> {
            provider.backupMechanism(GUEST, GuestType.QEMU);
            return provider.queryIncremental(GUEST, Map.of(DISK, ByteSize.ofBytes(1 << 20)))
                            .getOrDefault(DISK, BitmapUse.NONE)
                    != BitmapUse.NONE;
        });
        boolean prunes = isDone(() -> plugin.pruneBackups(
                        storage,
                        new Retention(Map.of("keep-last", 1L)),
                        new BackupSelection(GUEST, "qemu"),
                        true,
                        (level, line) -> {})
                .marks()
                .isEmpty());
        boolean keepsContainers = isDone(() -> begun(
                plugin,
                storage,
                GuestType.LXC,
                provider -> provider.backupMechanism(GUEST, GuestType.LXC).fits(GuestType.LXC)));
        return new BackupSubject(plugin, storage, work, isIncremental, prunes, keepsContainers, Map.of());
    }

    /** A question to a provider. */
    private interface Question {
        boolean of(BackupProvider provider);
    }

    private static boolean begun(StoragePlugin plugin, Storage storage, GuestType type, Question question) {
        plugin.activateStorage(storage, OperationCache.create());
        try (BackupProvider provider = plugin.newBackupProvider(storage, (level, line) -> {})) {
            provider.initJob(START);
            boolean answer;
            try {
                var _ = provider.initBackup(GUEST, type, START);
                answer = question.of(provider);
            } catch (RuntimeException e) {
                try {
                    end(provider, type);
                } catch (RuntimeException atEnd) {
                    e.addSuppressed(atEnd);
                }
                throw e;
            }
            end(provider, type);
            return answer;
        }
    }

    private static void end(BackupProvider provider, GuestType type) {
        provider.abortBackup(GUEST, type, "it was only asked");
        provider.cleanupJob();
    }

    private static boolean isDone(BooleanSupplier attempt) {
        try {
            return attempt.getAsBoolean();
        } catch (StorageException e) {
            return false;
        }
    }

    /**
     * Makes all tests, one after the other, on this thread.
     *
     * @param subjects gives each test its subject, with an empty storage of its own
     * @param results is told of each test when it was made
     * @throws IllegalStateException if the tests could not be made
     */
    public static void check(Supplier<BackupSubject> subjects, Consumer<Checked> results) {
        ScopedValue.where(SUBJECTS, subjects)
                .run(() -> Kit.check(CheckedBackupContract.class, EnumSet.of(Profile.BACKUP), results));
    }

    /** The same, watched, and with another limit of time. */
    public static void check(Supplier<BackupSubject> subjects, Kit.Conduct conduct) {
        ScopedValue.where(SUBJECTS, subjects)
                .run(() -> Kit.check(CheckedBackupContract.class, EnumSet.of(Profile.BACKUP), conduct));
    }

    /** The names of all tests. */
    public static Set<String> checks() {
        return Kit.checks(BackupProviderContract.class);
    }
}
