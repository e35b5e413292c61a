package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/**
 * A backup of a guest, which no call makes: the host puts its file there. It is removed in the end, with what is noted beside
 * it, also if a check fails in between. Other backups are left alone.
 */
final class BackupFile implements AutoCloseable {
    private final StoragePlugin plugin;
    private final Storage storage;
    private final Path file;

    private BackupFile(StoragePlugin plugin, Storage storage, Path file) {
        this.plugin = plugin;
        this.storage = storage;
        this.file = file;
    }

    /** Makes one. */
    static BackupFile in(StoragePlugin plugin, Storage storage) throws IOException {
        Path directory = Files.createDirectories(Path.of(plugin.getSubdir(storage, ContentType.BACKUP)));
        Path file = directory.resolve("vzdump-qemu-" + Images.newGuest() + "-2026_01_31-12_00_00.vma.zst");
        Files.writeString(file, "a backup", StandardOpenOption.CREATE_NEW);
        return new BackupFile(plugin, storage, file);
    }

    /** Its entry in the listing of the storage; none if it is not listed. */
    List<ListedVolume> listed() {
        String name = "/" + file.getFileName();
        return plugin.listVolumes(storage, null, Set.of(ContentType.BACKUP)).stream()
                .filter(volume -> ("/" + volume.volume().volid().volume().value()).endsWith(name))
                .toList();
    }

    /** The name of its volume, which is listed. */
    VolumeName volume() {
        List<ListedVolume> listed = listed();
        assertThat(listed).as("what is listed of '%s'", file).hasSize(1);
        return listed.getFirst().volume().volid().volume();
    }

    @Override
    public void close() throws IOException {
        for (String more : List.of("", ".notes", ".protected")) {
            Files.deleteIfExists(file.resolveSibling(file.getFileName() + more));
        }
    }
}
