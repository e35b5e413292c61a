package dev.tenon.tck.backup;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import java.nio.file.Path;

/**
 * What is tested.
 *
 * @param plugin gives the providers
 * @param storage an empty storage, which the tests fill
 * @param work an empty directory with a short path, for sockets
 * @param isIncremental whether its backups of VMs can be incremental
 * @param prunes whether the storage removes backups that are not to be kept
 * @param keepsContainers whether its providers back up containers, too
 */
public record BackupSubject(
        StoragePlugin plugin,
        Storage storage,
        Path work,
        boolean isIncremental,
        boolean prunes,
        boolean keepsContainers) {}
