package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.BackupName;
import dev.tenon.core.storage.common.Paths;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists what is no guest image: the files in the directory of one kind of content. */
final class ContentListing {
    private static final Logger LOG = LoggerFactory.getLogger(ContentListing.class);
    private static final Pattern TEMPLATE_EXTENSION = Pattern.compile("\\.(?i:tar(?:\\.(gz|xz|zst|bz2))?)$");
    private static final Pattern BACKUP_EXTENSION = Pattern.compile("\\.(tgz|(?:tar|vma)(?:\\.(?:gz|lzo|zst|bz2))?)$");
    private static final Pattern GUEST_IN_NAME = Pattern.compile("-([1-9][0-9]{2,8})-");

    private final Storage storage;
    private final ContentType type;
    private final Path directory;
    private final @Nullable Vmid owner;
    private final StorageBounds bounds;

    private ContentListing(Storage storage, ContentType type, Path directory, @Nullable Vmid owner) {
        this.storage = storage;
        this.type = type;
        this.directory = directory;
        this.owner = owner;
        bounds = StorageBounds.of(storage, directory);
    }

    /**
     * The files of this kind.
     *
     * @param owner backups of one guest, null for all
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if the storage is not there at all
     */
    static List<ListedVolume> list(Storage storage, ContentType type, Path directory, @Nullable Vmid owner) {
        return new ContentListing(storage, type, directory, owner).list();
    }

    private List<ListedVolume> list() {
        List<ListedVolume> found = new ArrayList<>();
        for (String name : names()) {
            parsed(name).flatMap(content -> entry(content, name)).ifPresent(found::add);
        }
        return found;
    }

    private List<String> names() {
        try {
            return DirectoryNames.in(directory);
        } catch (NoSuchFileException | NotDirectoryException e) {
            if (Files.isDirectory(Paths.of(ContentDirectories.base(storage)))) {
                return List.of();
            }
            throw unavailable(e);
        } catch (IOException e) {
            throw unavailable(e);
        }
    }

    private StorageException unavailable(IOException failure) {
        return new StorageException(
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.NOT_STARTED,
                "unable to list content '" + type.word() + "' of storage '" + storage.id() + "' in '" + directory
                        + "': " + Failures.reason(failure),
                failure);
    }

    private Optional<VolumeName> parsed(String fileName) {
        try {
            VolumeName name = new VolumeName(type.word() + "/" + fileName);
            boolean isOfType = VolumeNames.parse(name) instanceof ParsedVolume.Content content
                    && content.type() == type
                    && content.name().equals(fileName);
            return isOfType ? Optional.of(name) : Optional.empty();
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private Optional<ListedVolume> entry(VolumeName name, String fileName) {
        if (type == ContentType.BACKUP && owner != null && !names(owner, fileName)) {
            return Optional.empty();
        }
        Path file = directory.resolve(fileName);
        if (bounds.isLinkOut(file, storage.id() + ":" + name)) {
            return Optional.empty();
        }
        FileStatus status;
        try {
            status = FileStatus.of(file);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOG.warn("'{}' is not listed: {}", file, Failures.reason(e));
            return Optional.empty();
        }
        if (status.isDirectory()) {
            return Optional.empty();
        }
        return Optional.of(type == ContentType.BACKUP ? backup(name, file, status) : other(name, fileName, status));
    }

    private ListedVolume other(VolumeName name, String fileName, FileStatus status) {
        return new ListedVolume(info(name, format(fileName), status, null, null), type, null, null, false);
    }

    private Format format(String fileName) {
        return Format.ofWord(
                switch (type) {
                    case ISO -> "iso";
                    case VZTMPL -> templateFormat(fileName);
                    case SNIPPETS -> "snippet";
                    case BACKUP, IMAGES, IMPORT, NONE, ROOTDIR -> fileName.substring(fileName.lastIndexOf('.') + 1);
                });
    }

    private static String templateFormat(String fileName) {
        Matcher extension = TEMPLATE_EXTENSION.matcher(fileName);
        return extension.find() && extension.group(1) != null ? "t" + extension.group(1) : "tar";
    }

    private ListedVolume backup(VolumeName name, Path file, FileStatus status) {
        String fileName = String.valueOf(file.getFileName());
        BackupName told = BackupName.of(fileName);
        Matcher extension = BACKUP_EXTENSION.matcher(fileName);
        Format format = Format.ofWord(extension.find() ? extension.group(1) : BackupName.UNKNOWN_TYPE);
        BackupName.Standard standard = told.standard();
        Long time = standard == null ? null : (Long) standard.seconds();
        Vmid guest = owner == null ? guestIn(fileName) : owner;
        BackupFiles files = new BackupFiles(file);
        return new ListedVolume(
                info(name, format, status, guest, time),
                type,
                told.type(),
                files.firstLineOfNotes().orElse(null),
                files.isProtected());
    }

    private static @Nullable Vmid guestIn(String fileName) {
        Matcher matcher = GUEST_IN_NAME.matcher(fileName);
        return matcher.find() ? VolumeNames.vmid(matcher.group(1)).orElse(null) : null;
    }

    private static boolean names(Vmid owner, String fileName) {
        return fileName.indexOf("-" + owner + "-", 1) > 0;
    }

    private VolumeInfo info(
            VolumeName name, Format format, FileStatus status, @Nullable Vmid guest, @Nullable Long time) {
        return new VolumeInfo(
                new VolumeId(storage.id(), name),
                format,
                ByteSize.ofBytes(status.size()),
                guest,
                null,
                null,
                time == null ? status.changeTime() : time,
                Map.of());
    }
}
