package dev.tenon.core.spi.backup;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One user of a storage that keeps backups of guests: PVE's {@code PVE::BackupProvider}, typed and without versions. A
 * provider written in Java implements it, and one written in Perl, in its sidecar, is one.
 * {@link dev.tenon.core.spi.StoragePlugin#newBackupProvider} makes one for a backup job, for a restore, or to look at one
 * archive. Making one is cheap and touches nothing. What must survive it is kept in the storage.
 *
 * <p><b>A job</b> is {@link #initJob}; for one guest after the other the calls below; {@link #cleanupJob}. One process of
 * the host makes all of them as root, except {@link #backupContainer}. For each guest:
 *
 * <ol>
 *   <li>{@link #initBackup}, which names the archive;
 *   <li>a VM: {@link #backupMechanism}, {@link #queryIncremental}, then the host fixes the point in time, then
 *       {@link #backupVm};
 *   <li>a container: {@link #backupMechanism}, {@link #prepareContainer}, {@link #backupContainer};
 *   <li>the host asks the <em>storage</em> for the new archive: it sets its notes, protects it, prunes older ones;
 *   <li>{@link #cleanupBackup}, or {@link #abortBackup} after any failure;
 *   <li>{@link #handleLogFile}.
 * </ol>
 *
 * <p><b>The commit point</b> is the return of {@link #backupVm} or {@link #backupContainer}: the archive must then be
 * durable, listed and restorable. A host that has seen it return forgets which blocks of the disks were dirty, whatever
 * happens later. If a later step fails, {@link #abortBackup} comes for an archive that is already the base of those bitmaps:
 * keep it, or answer {@link BitmapUse#NEW} for its devices next time. One exception: PVE takes a child that was killed in
 * {@link #backupContainer} for a success, so {@link #cleanupBackup} checks that the archive is complete, and fails if it is
 * not.
 *
 * <p><b>A restore</b> may run in another process, on another node, and on an object on which nothing else was called.
 * Several run at a time, beside backups. The {@code archive…} calls come without any {@code init}, too, and must not log:
 * PVE prints the configuration to where the log goes.
 *
 * <p>One call of an object runs at a time. A call that is interrupted ({@link Thread#interrupt}) must end within 5 seconds,
 * because PVE kills its worker then; the {@code cleanup} and {@code abort} calls still come. Every call may throw {@link
 * StorageException}; its message is passed on unchanged where the host looks for it, such as {@code interrupted by signal}.
 * Every {@code cleanup} and {@code abort} may be called more than once and without the matching {@code init}, and then does
 * nothing.
 */
public interface BackupProvider extends AutoCloseable {
    /** Its name in the host's log (PVE's {@code provider_name}). */
    String providerName();

    // ---- the job

    /**
     * A backup job begins, before its first guest.
     *
     * @param start when, to the second; tells the job from others of this storage
     * @throws StorageException ends the job; {@link #cleanupJob} comes all the same
     */
    void initJob(Instant start);

    /**
     * The job is over, successful or not. The host calls this again if it fails.
     *
     * @throws StorageException fails the job, not the guests' backups
     */
    void cleanupJob();

    // ---- the backup of one guest

    /**
     * The backup of a guest begins. The guest is locked and not yet stopped or suspended.
     *
     * @param start when, to the second; what the archive is named for
     * @return the archive's name; the volume is {@link ArchiveName#volume}
     */
    ArchiveName initBackup(Vmid guest, GuestType type, Instant start);

    /**
     * The backup has succeeded, as far as the host knows, and its notes are written.
     *
     * @return what the host logs
     * @throws StorageException fails the backup, also if the archive is not complete; {@link #abortBackup} follows
     */
    BackupStatistics cleanupBackup(Vmid guest, GuestType type);

    /**
     * The backup has failed, maybe before {@link #initBackup} and maybe after the commit point, even after
     * {@link #cleanupBackup}. What is not complete is removed.
     *
     * @param type null if the host does not know the guest
     * @param error why, in the host's words; {@code interrupted by signal} if somebody stopped the job
     * @throws StorageException becomes a warning
     */
    void abortBackup(Vmid guest, @Nullable GuestType type, String error);

    /** How it wants the guest's data. Comes after {@link #initBackup} of the same guest; containers have only one way. */
    BackupMechanism backupMechanism(Vmid guest, GuestType type);

    /**
     * The host's log of this guest's backup, complete and closed. Comes at the end, also after a failure.
     *
     * @param file readable until this returns
     * @throws StorageException ends the whole job, so a provider that merely likes to have the log must not throw
     */
    void handleLogFile(Vmid guest, Path file);

    /**
     * Which disks are to be read only where they were written since the last backup to this storage. The host has a dirty
     * bitmap for each disk and storage, in memory only, so it may lack one that is to be {@linkplain BitmapUse#USE used};
     * what it then does is in {@link BackupDisk#bitmap}.
     *
     * @param disks their sizes as the guest sees them
     * @return for each disk {@link BitmapUse#USE} only if the last committed backup of this guest and device is still
     *     there and of this size; disks that are left out get no bitmap. Empty if nothing is ever incremental
     */
    Map<DeviceName, BitmapUse> queryIncremental(Vmid guest, Map<DeviceName, ByteSize> disks);

    /**
     * Reads the disks of a VM, which may go on running, and keeps them with its configuration. Returning is the commit
     * point. All connections and files must be closed by then. An error while reading is final for the disk: it is never
     * data, and never zeroes.
     *
     * @param disks all of one mechanism, that of {@link #backupMechanism}
     */
    void backupVm(Vmid guest, GuestConfigs configs, Map<DeviceName, BackupDisk> disks, BackupLimits limits);

    /**
     * A container is about to be read. The host's worker calls this as root; the tree is already mounted there, maybe in a
     * mount namespace of the worker's own. Do here what {@link #backupContainer} may not do as another user.
     */
    void prepareContainer(Vmid guest, ContainerTree tree, BackupLimits limits);

    /**
     * Reads the files of a container and keeps them with its configuration. Returning is the commit point.
     *
     * <p>The host calls this in a process of its own, which is root only in the container's user namespace and ends without
     * notice; what it changes in its memory is lost. To a provider in Java the tree is shown as the daemon reaches it, owned
     * by the host's ids: {@link ContainerTree#reachable} and {@link ContainerTree#ids}. If that process is killed the call
     * is interrupted, and the host takes it for a success: see {@link #cleanupBackup}.
     *
     * @param exclude glob patterns of what is left out; a leading {@code /} is the container's root, {@code **} matches
     *     slashes too
     */
    void backupContainer(
            Vmid guest, GuestConfigs configs, List<String> exclude, ContainerTree tree, BackupLimits limits);

    // ---- archives

    /** What kind of guest an archive holds, and how it is restored. */
    RestoreMechanism restoreMechanism(VolumeName archive);

    /** The guest's configuration, the same bytes that came with the backup. Logs nothing. */
    RawConfig guestConfig(VolumeName archive);

    /** The guest's firewall configuration, the same bytes; empty if none came with the backup. Logs nothing. */
    Optional<RawConfig> firewallConfig(VolumeName archive);

    // ---- the restore of a VM; a worker of the host, as root

    /**
     * Begins. The host frees the guest's old disks right after this: everything that can be checked is checked here.
     *
     * @return the disks and their sizes, those of the backup
     * @throws StorageException {@code NOT_FOUND}; or if anything of the archive cannot be read
     */
    Map<DeviceName, ByteSize> initVmRestore(VolumeName archive);

    /**
     * The restore is over. Always called, even without {@link #initVmRestore}. Releases what {@link #initVolumeRestore}
     * still holds.
     */
    void cleanupVmRestore(VolumeName archive);

    /**
     * Shows a disk as a file or block device that {@code qemu-img convert} can read as raw. An NBD address will not do: PVE
     * calls {@code stat} on the path first.
     */
    Path initVolumeRestore(VolumeName archive, DeviceName device);

    /**
     * Writes a disk into a file, for a host in Java. PVE has no such call, and copies from the path of
     * {@link #initVolumeRestore}; a host in Java does so, too, if this does nothing. Comes after {@link #initVmRestore}.
     *
     * @param target an empty regular file, which has the disk's size and is on its storage when this returns true
     * @param limits of what is written in a second
     * @param copied is told how many bytes of the disk are done, by the calling thread; what it throws ends the copy
     * @return false if this provider cannot do it better than qemu-img, and has done nothing
     */
    default boolean copyVolume(
            VolumeName archive, DeviceName device, Path target, BackupLimits limits, LongConsumer copied) {
        return false;
    }

    /** The disk has been copied, or copying failed. Does not come if {@link #initVolumeRestore} failed. */
    void cleanupVolumeRestore(VolumeName archive, DeviceName device);

    // ---- the restore of a container; a worker of the host, as root

    /** Begins; the container's old volumes are gone already. */
    ContainerArchive initContainerRestore(VolumeName archive);

    /** Ends. Does not come if {@link #initContainerRestore} failed. */
    void cleanupContainerRestore(VolumeName archive);

    /**
     * The user of the object has gone, or no longer needs it: releases what it still holds. PVE has no such call, so it
     * neither ends nor commits a backup.
     */
    @Override
    default void close() {}
}
