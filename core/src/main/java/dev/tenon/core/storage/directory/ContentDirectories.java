package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import java.util.Map;

/** Where a storage that is a directory keeps what. */
public final class ContentDirectories {
    private static final Map<ContentType, String> DEFAULTS = Map.of(
            ContentType.IMAGES, "images",
            ContentType.ROOTDIR, "private",
            ContentType.ISO, "template/iso",
            ContentType.VZTMPL, "template/cache",
            ContentType.BACKUP, "dump",
            ContentType.SNIPPETS, "snippets",
            ContentType.IMPORT, "import");

    private ContentDirectories() {}

    /** Whether the storage has a path; one of another kind has none. */
    static boolean hasBase(Storage storage) {
        return storage.config().text("path").filter(path -> !path.isEmpty()).isPresent();
    }

    /**
     * The configured path of the storage.
     *
     * @throws StorageException {@code BAD_CONFIG} if it has none, or one that is not absolute
     */
    public static String base(Storage storage) {
        String path = storage.config()
                .text("path")
                .filter(text -> !text.isEmpty())
                .orElseThrow(() -> StorageException.refused(StorageError.BAD_CONFIG, "storage definition has no path"));
        if (!path.startsWith("/") || hasControlCharacter(path)) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG, "illegal path for directory storage: " + Quoted.of(path));
        }
        return path;
    }

    public static String of(Storage storage, ContentType type) {
        String base = base(storage);
        String byDefault = DEFAULTS.get(type);
        if (byDefault == null) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "unknown vtype '" + type.word() + "'");
        }
        String directory = storage.config().map("content-dirs").getOrDefault(type.word(), byDefault);
        if (hasControlCharacter(directory) || leadsUp(directory)) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + storage.id() + "' has an illegal directory " + Quoted.of(directory) + " for content '"
                            + type.word() + "'");
        }
        return base + "/" + directory;
    }

    private static boolean leadsUp(String directory) {
        return directory.contains("..") && List.of(directory.split("/", -1)).contains("..");
    }

    private static boolean hasControlCharacter(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                return true;
            }
        }
        return false;
    }
}
