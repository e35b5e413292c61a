package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** What the tests do with the images of a storage, the way a host would. */
final class Images {
    static final ByteSize SIZE = ByteSize.ofKib(4096);

    /** What is this many times too large was taken in another unit, and was not rounded up. */
    static final int FAR = 64;

    private static final AtomicLong GUESTS = new AtomicLong(7000);

    private final StoragePlugin plugin;
    private final Storage storage;
    private final Abilities abilities;
    private final Content content;

    Images(Subject subject) {
        plugin = subject.plugin();
        storage = subject.storage();
        abilities = subject.abilities();
        content = subject.content();
    }

    /** A guest that has no volumes yet. */
    static Vmid newGuest() {
        return new Vmid(GUESTS.incrementAndGet());
    }

    /** A format that the plugin takes and whose content can be checked. */
    Format.Image anyFormat() {
        return abilities.formats().stream()
                .filter(format -> format != Format.Image.SUBVOL)
                .sorted()
                .findFirst()
                .orElseThrow(() -> new LackingException("the plugin makes no images that can be opened"));
    }

    VolumeName make(Vmid owner, Format.Image format) {
        return plugin.allocImage(storage, owner, format, null, sizeOf(format));
    }

    /** The size to ask for; a directory has none. */
    static ByteSize sizeOf(Format.Image format) {
        return format == Format.Image.SUBVOL ? ByteSize.ofBytes(0) : SIZE;
    }

    /** A name of the right shape for a volume that does not exist. */
    VolumeName missing(Format.Image format) {
        VolumeName volume = make(newGuest(), format);
        free(volume);
        return volume;
    }

    /** Removes a volume, and does the work that this leaves. */
    void free(VolumeName volume) {
        Optional<Cleanup> left = switch (plugin.parseVolname(volume)) {
            // PVE tells both, and its base class removes a directory only if it is told that it is one
            case ParsedVolume.GuestImage image -> plugin.freeImage(storage, volume, image.isBase(), image.format());
            case ParsedVolume.Content _ -> plugin.freeImage(storage, volume, false, null);
        };
        left.ifPresent(Cleanup::run);
    }

    List<VolumeInfo> list(ImageFilter filter) {
        return plugin.listImages(storage, filter, OperationCache.create());
    }

    List<VolumeName> names() {
        return names(ImageFilter.all());
    }

    List<VolumeName> names(ImageFilter filter) {
        return list(filter).stream().map(image -> image.volid().volume()).toList();
    }

    List<VolumeName> namesOf(Vmid owner) {
        return names(new ImageFilter.OfGuest(owner));
    }

    VolumeId volid(VolumeName volume) {
        return new VolumeId(storage.id(), volume);
    }

    SizeInfo info(VolumeName volume) {
        return plugin.volumeSizeInfo(storage, volume, null);
    }

    long bytes(VolumeName volume) {
        return Objects.requireNonNull(info(volume).size(), "size of " + volume).bytes();
    }

    void activate(VolumeName volume) {
        plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
    }

    /** Whether there is such a volume, checked without the plugin. */
    boolean isPresent(VolumeName volume) {
        return content.isPresent(volume);
    }

    /** Writes this byte to the first 64 KiB, or into a file of a directory. */
    void fill(VolumeName volume, int value) {
        try (Content.Opened opened = content.open(volume)) {
            opened.fill(value);
        }
    }

    /** What {@link #fill} wrote is there. */
    void isFilled(VolumeName volume, int value) {
        try (Content.Opened opened = content.open(volume)) {
            assertThat(opened.isFilled(value)).as("content of " + volume).isTrue();
        }
    }

    /** Removes every image, clones before their bases. */
    void freeAll() {
        names().stream().sorted(Comparator.comparing(this::isBase)).forEach(this::free);
        assertThat(names()).as("images that could not be removed").isEmpty();
    }

    private boolean isBase(VolumeName volume) {
        return plugin.parseVolname(volume) instanceof ParsedVolume.GuestImage image && image.isBase();
    }

    /** Everything in a directory: path, size and time of change. */
    static List<String> tree(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.sorted().map(Images::described).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String described(Path file) {
        try {
            return file + " " + Files.readAttributes(file, "unix:size,ctime,mode,ino", LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
