package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.image.Qcow2Header;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An image and its snapshots, each a file {@code snap-SNAP-NAME} beside it, on which the next newer one is based.
 *
 * @param links the image as it is now first, then its snapshots, newest first
 */
record SnapshotChain(ImageLocation image, List<Link> links) {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotChain.class);

    /** What the image as it is now is called where a snapshot is meant. */
    static final String CURRENT = "current";

    private static final String PREFIX = "snap-";
    private static final Pattern OF_USUAL_IMAGE = Pattern.compile("snap-.+?-((?:vm|base)-\\d+-.+\\.qcow2)");

    SnapshotChain {
        links = List.copyOf(links);
    }

    /**
     * One image of the chain.
     *
     * @param name the snapshot's name, or {@link #CURRENT}
     */
    record Link(String name, Path file, ByteSize size) {
        String fileName() {
            return String.valueOf(file.getFileName());
        }
    }

    /** Whether the storage keeps snapshots as files beside their image. */
    static boolean isUsedBy(Storage storage) {
        return storage.config().flag("snapshot-as-volume-chain", false);
    }

    /** Whether this is the image as it is now. */
    static boolean isCurrent(@Nullable SnapshotName snapshot) {
        return snapshot == null || snapshot.value().equals(CURRENT);
    }

    /** The file that a snapshot of this image is. */
    static String fileName(String image, SnapshotName snapshot) {
        return PREFIX + snapshot + "-" + image;
    }

    /** Whether a file of this name is a snapshot of some image. */
    static boolean isSnapshotName(String name) {
        return name.startsWith(PREFIX) && name.endsWith(".qcow2");
    }

    /** The image that a snapshot of this name is of, if that has a usual name; another could be meant. */
    static Optional<String> usualImageOf(String snapshot) {
        Matcher matcher = OF_USUAL_IMAGE.matcher(snapshot);
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /** Whether an image with this backing file is based on a snapshot of its own. */
    static boolean isSnapshotOf(@Nullable String backing, Path image) {
        String end = "-" + image.getFileName();
        return backing != null
                && backing.indexOf('/') < 0
                && backing.startsWith(PREFIX)
                && backing.endsWith(end)
                && backing.length() > PREFIX.length() + end.length();
    }

    /** What a qcow2 image is based on, as it stands in its header; null if nothing, or if it cannot be read (logged). */
    static @Nullable String backingFile(Path file) {
        try {
            return FileStatus.ofLink(file).isRegularFile()
                    ? Qcow2Header.read(file).backingFile()
                    : null;
        } catch (IOException e) {
            LOG.warn("what '{}' is based on is not known: {}", file, e.getMessage());
            return null;
        }
    }

    /**
     * Reads the chain of this image, which is checked first.
     *
     * @throws StorageException {@code NOT_FOUND} if an image of it is missing
     */
    static SnapshotChain read(ImageLocation image) {
        ImageInfo info = image.check();
        List<Link> links = new ArrayList<>();
        links.add(new Link(CURRENT, image.file(), info.size()));
        String backing = info.backingFile();
        while (backing != null && isSnapshotOf(backing, image.file())) {
            Path file = image.file().resolveSibling(backing);
            info = readSnapshot(image, file);
            links.add(new Link(nameIn(backing, image.file()), file, info.size()));
            backing = info.backingFile();
        }
        return new SnapshotChain(image, links);
    }

    private static String nameIn(String backing, Path image) {
        return backing.substring(
                PREFIX.length(),
                backing.length() - 1 - String.valueOf(image.getFileName()).length());
    }

    private static ImageInfo readSnapshot(ImageLocation image, Path file) {
        try {
            ImageInfo info = ImageInfo.read(file, Format.Image.QCOW2);
            if (info.defect() == null) {
                return info;
            }
            throw StorageException.refused(
                    StorageError.UNSAFE_IMAGE,
                    "snapshot '" + file + "' of volume '" + image.volid() + "' cannot be used: " + info.defect()
                            + ": Image is not in qcow2 format");
        } catch (IOException e) {
            throw Failures.of(
                    e,
                    Outcome.NOT_STARTED,
                    "unable to read snapshot '" + file + "', which volume '" + image.volid() + "' is based on");
        }
    }

    /** Where in the chain this snapshot is, empty if it is not there; {@code current} is none. */
    OptionalInt position(SnapshotName snapshot) {
        for (int i = 1; i < links.size(); i++) {
            if (links.get(i).name().equals(snapshot.value())) {
                return OptionalInt.of(i);
            }
        }
        return OptionalInt.empty();
    }

    /** The snapshots that are newer than the one at this place, newest first. */
    List<SnapshotName> newerThan(int position) {
        return links.subList(1, position).stream()
                .map(link -> new SnapshotName(link.name()))
                .toList();
    }

    /** The chain as PVE tells it. */
    Map<String, SnapshotInfo> infos() {
        Map<String, SnapshotInfo> infos = new LinkedHashMap<>();
        for (int i = 0; i < links.size(); i++) {
            Link link = links.get(i);
            infos.put(link.name(), new SnapshotInfo(null, null, link.size(), other(i)));
        }
        return infos;
    }

    private Map<String, Object> other(int position) {
        Link link = links.get(position);
        String volname = image.parsed().owner() == null
                ? link.fileName()
                : image.parsed().owner() + "/" + link.fileName();
        Map<String, Object> other = new LinkedHashMap<>();
        other.put("order", (long) position);
        other.put("file", link.file().toString());
        other.put("volname", volname);
        other.put("volid", image.volid().storage() + ":" + volname);
        if (position + 1 < links.size()) {
            other.put("parent", links.get(position + 1).name());
        }
        if (position > 0) {
            other.put("child", links.get(position - 1).name());
        }
        return other;
    }
}
