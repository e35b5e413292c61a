package dev.tenon.tck.backup;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import java.nio.file.Path;
import java.util.Map;

/**
 * What is tested.
 *
 * @param plugin gives the providers
 * @param storage an empty storage, which the tests fill
 * @param work an empty directory with a short path, for sockets
 * @param isIncremental whether its backups of VMs can be incremental
 * @param prunes whether the storage removes backups that are not to be kept
 * @param keepsContainers whether its providers back up containers, too
 * @param limits what it is known not to do as it should: the name of a test, and the reason. Such a test has to fail; it is
 *     reported as skipped then, with the reason
 */
public record BackupSubject(
        StoragePlugin plugin,
        Storage storage,
        Path work,
        boolean isIncremental,
        boolean prunes,
        boolean keepsContainers,
        Map<String, String> limits) {
    public BackupSubject {
        limits = Map.copyOf(limits);
    }

    /** The same plugin, with another storage. */
    public BackupSubject on(Storage other, Path otherWork) {
        return new BackupSubject(plugin, other, otherWork, isIncremental, prunes, keepsContainers, limits);
    }

    /** One that does all that there is. */
    public static BackupSubject whole(StoragePlugin plugin, Storage storage, Path work) {
        return new BackupSubject(plugin, storage, work, true, true, true, Map.of());
    }
}
