package dev.tenon.tck;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is tested.
 *
 * @param storage an empty storage, which the tests fill and empty
 * @param unreachable a storage of the same type that cannot be used, for instance because its directory is missing; null
 *     leaves out what is tested with it
 * @param outside an existing directory that is no part of the storage and that nothing else changes
 * @param content how what is in the volumes is reached
 */
public record Subject(
        StoragePlugin plugin,
        Storage storage,
        @Nullable Storage unreachable,
        Path outside,
        Abilities abilities,
        Content content) {

    /** One whose volumes are files, directories or devices of this node. */
    public static Subject ofFiles(
            StoragePlugin plugin, Storage storage, @Nullable Storage unreachable, Path outside, Abilities abilities) {
        return new Subject(plugin, storage, unreachable, outside, abilities, new FileContent(plugin, storage));
    }

    /** Whether the plugin has volumes of guests at all. */
    boolean keepsImages() {
        Set<String> content = plugin.pluginData().content();
        return content.contains(ContentType.IMAGES.word()) || content.contains(ContentType.ROOTDIR.word());
    }

    /** Opens a volume. */
    public Content.Opened open(VolumeName volume) {
        return content.open(volume);
    }
}
