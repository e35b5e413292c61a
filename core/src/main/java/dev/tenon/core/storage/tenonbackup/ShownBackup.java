package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.host.ShownDisk;
import dev.tenon.core.backup.host.WorkDirectory;
import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The disks of a VM's backup as files in a directory, to be read as raw images. Nothing is copied; what is read is fetched then.
 * The backup stays readable until this is closed, even if it is forgotten meanwhile.
 */
public final class ShownBackup implements AutoCloseable {
    private static final String EXTENSION = ".raw";

    private final RepositoryReader reader;
    private final WorkDirectory work;
    private final List<ShownDisk> shown = new ArrayList<>();
    private final Map<DeviceName, Path> files = new TreeMap<>();

    /**
     * Shows the disks.
     *
     * @param run where sockets go, a short path
     * @param directory where a link to each disk is made; empty, or made if it is missing
     * @throws StorageException {@code NOT_FOUND} if there is no such backup, {@code NOT_SUPPORTED} if it is a container's, or
     *     disks cannot be shown here, {@code ALREADY_EXISTS} if the directory is not empty
     */
    public ShownBackup(Repository repository, VolumeId volume, Path run, Path directory) throws IOException {
        Snapshot snapshot = repository
                .find(Archives.id(volume.volume()))
                .orElseThrow(
                        () -> StorageException.refused(StorageError.NOT_FOUND, "there is no backup '" + volume + "'"));
        if (snapshot.id().type() != GuestType.QEMU) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED,
                    "'" + volume + "' is the backup of a container, which has files and no disks; see them with 'tenon"
                            + " backup ls', 'tenon backup cat' and 'tenon backup extract'");
        }
        this.reader = repository.read();
        try {
            // It ends what a process that was killed has left, so that its links lead nowhere.
            this.work = WorkDirectory.make(run);
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
        try {
            empty(directory);
            for (DeviceName device : snapshot.disks().keySet()) {
                DiskReader disk = reader.disk(snapshot, device).orElseThrow();
                ShownDisk file = ShownDisk.show(work, device.toString(), new RestoredDisk(disk));
                shown.add(file);
                Path link = directory.resolve(device + EXTENSION);
                Files.createSymbolicLink(link, file.path());
                files.put(device, link);
            }
        } catch (IOException | RuntimeException e) {
            try {
                close();
            } catch (IOException | RuntimeException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    private static void empty(Path directory) throws IOException {
        Files.createDirectories(directory);
        try (DirectoryStream<Path> inside = Files.newDirectoryStream(directory)) {
            for (Path each : inside) {
                boolean isLeft =
                        each.toString().endsWith(EXTENSION) && Files.isSymbolicLink(each) && !Files.exists(each);
                if (!isLeft) {
                    throw StorageException.refused(
                            StorageError.ALREADY_EXISTS,
                            "the directory " + Quoted.of(directory.toString())
                                    + " is not empty; disks are shown in an empty one");
                }
                Files.delete(each);
            }
        }
    }

    /** Where each disk is. */
    public Map<DeviceName, Path> files() {
        return Collections.unmodifiableMap(files);
    }

    /** Takes the links and the disks away, all that can be if some cannot; the directory stays. */
    @Override
    public void close() throws IOException {
        List<Closeable> steps = new ArrayList<>();
        files.values().forEach(link -> steps.add(() -> Files.deleteIfExists(link)));
        shown.forEach(disk -> steps.add(disk::close));
        steps.add(work::close);
        steps.add(reader::close);
        IOException failure = null;
        for (Closeable step : steps) {
            try {
                step.close();
            } catch (IOException | RuntimeException e) {
                if (failure != null) {
                    failure.addSuppressed(e);
                } else {
                    failure = e instanceof IOException known ? known : new IOException(e.getMessage(), e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
