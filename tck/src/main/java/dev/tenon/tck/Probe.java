package dev.tenon.tck;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Learns what a plugin can do: from what it offers, and, where PVE's API has no word for it, by trying. What it offers and
 * does not do fails the contract; what it does not offer, the contract wants refused.
 */
public final class Probe {
    private static final SnapshotName BEFORE = new SnapshotName("before");
    private static final SnapshotName AFTER = new SnapshotName("after");
    private static final Transfer AS_IT_IS = new Transfer(null, null, false);

    private final StoragePlugin plugin;
    private final Storage storage;
    private final Images images;
    private final boolean isOfImages;
    private boolean tellsWhy = true;
    private boolean renamesSnapshot;

    private Probe(Subject subject) {
        this.plugin = subject.plugin();
        this.storage = subject.storage();
        this.images = new Images(subject);
        this.isOfImages = subject.keepsImages();
    }

    /** What may fail: then the plugin does not do it. */
    @FunctionalInterface
    private interface Attempt {
        boolean succeeds() throws IOException;
    }

    /**
     * What a plugin can do on this storage.
     *
     * @param subject an empty and active storage, which is empty afterwards if the plugin frees what it makes; its
     *     abilities are not looked at
     * @throws StorageException if the plugin does not even say which formats it knows
     */
    public static Abilities abilities(Subject subject) {
        return new Probe(subject).learn();
    }

    private Abilities learn() {
        Set<Format.Image> formats = EnumSet.noneOf(Format.Image.class);
        (isOfImages ? plugin.formats(storage).valid().stream() : Stream.<Format>empty())
                .filter(Format.Image.class::isInstance)
                .map(Format.Image.class::cast)
                .forEach(formats::add);
        Set<Format.Image> snapshots = EnumSet.noneOf(Format.Image.class);
        Set<Format.Image> bases = EnumSet.noneOf(Format.Image.class);
        Set<Format.Image> clones = EnumSet.noneOf(Format.Image.class);
        Set<Format.Image> renames = EnumSet.noneOf(Format.Image.class);
        Set<Format.Image> resizes = EnumSet.noneOf(Format.Image.class);
        Set<Abilities.Habit> habits = EnumSet.noneOf(Abilities.Habit.class);
        boolean renamesSnapshots = false;
        boolean converts = true;
        for (Format.Image format : formats) {
            VolumeName volume = made(format);
            if (volume == null) {
                continue;
            }
            add(snapshots, format, () -> offers(Feature.SNAPSHOT, volume));
            add(bases, format, () -> offers(Feature.TEMPLATE, volume));
            add(renames, format, () -> offers(Feature.RENAME, volume));
            add(habits, Abilities.Habit.CLONES_ANYTHING, () -> offers(Feature.CLONE, volume));
            converts &= !does(() -> hasBrokenConversion(volume, format));
            if (snapshots.contains(format)) {
                add(habits, Abilities.Habit.LISTS_SNAPSHOTS, () -> listsSnapshot(volume));
                renamesSnapshots |= does(() -> renamesSnapshot(volume));
                does(() -> {
                    plugin.deleteSnapshot(storage, volume, renamesSnapshot ? AFTER : BEFORE, false);
                    return true;
                });
            }
            add(resizes, format, () -> grows(volume, format));
            add(renames, format, () -> renames(format));
            if (bases.contains(format)) {
                learnOfBase(volume, format, clones, habits);
            }
        }
        add(habits, Abilities.Habit.NAMES_BY_ITSELF, this::namesByItself);
        does(this::makesWhatIsThere);
        boolean keepsNotes = does(this::keepsNotes);
        does(() -> {
            images.freeAll();
            return true;
        });
        return new Abilities(
                formats,
                snapshots,
                bases,
                clones,
                renames,
                resizes,
                renamesSnapshots,
                keepsNotes,
                tellsWhy,
                converts,
                habits);
    }

    private Format.Image usualFormat() {
        return plugin.formats(storage).valid().contains(Format.Image.RAW) ? Format.Image.RAW : Format.Image.QCOW2;
    }

    private <T> void add(Set<T> set, T element, Attempt attempt) {
        if (does(attempt)) {
            set.add(element);
        }
    }

    private boolean does(Attempt attempt) {
        try {
            return attempt.succeeds();
        } catch (StorageException e) {
            tellsWhy &= e.error() != StorageError.PLUGIN_DIED;
            return false;
        } catch (IOException | RuntimeException | AssertionError e) {
            return false;
        }
    }

    private @Nullable VolumeName made(Format.Image format) {
        try {
            return images.make(Images.newGuest(), format);
        } catch (StorageException e) {
            return null;
        }
    }

    private boolean offers(Feature feature, VolumeName volume) {
        return plugin.hasFeature(storage, feature, volume, null, false, null);
    }

    private boolean listsSnapshot(VolumeName volume) {
        int before = images.names().size();
        plugin.snapshotVolume(storage, volume, BEFORE);
        return images.names().size() > before;
    }

    private boolean renamesSnapshot(VolumeName volume) {
        renamesSnapshot = false;
        plugin.renameSnapshot(storage, volume, BEFORE, AFTER);
        renamesSnapshot = true;
        return true;
    }

    private boolean grows(VolumeName volume, Format.Image format) {
        plugin.resizeVolume(
                storage, volume, ByteSize.ofBytes(2 * Images.sizeOf(format).bytes()), false, null);
        return true;
    }

    /** PVE's own base class renames more than it offers to. */
    private boolean renames(Format.Image format) {
        VolumeName volume = images.make(Images.newGuest(), format);
        plugin.renameVolume(storage, volume, Images.newGuest(), null);
        return true;
    }

    private void learnOfBase(
            VolumeName volume, Format.Image format, Set<Format.Image> clones, Set<Abilities.Habit> habits) {
        does(() -> {
            VolumeName base = plugin.createBase(storage, volume);
            add(clones, format, () -> offers(Feature.CLONE, base));
            if (clones.contains(format)) {
                VolumeName clone = plugin.cloneImage(storage, base, Images.newGuest(), null);
                add(habits, Abilities.Habit.HIDES_BASES, () -> hidesBase(clone));
                images.free(clone);
            }
            return true;
        });
    }

    private boolean hidesBase(VolumeName clone) {
        return plugin.parseVolname(clone) instanceof ParsedVolume.GuestImage image && image.base() == null;
    }

    private boolean namesByItself() {
        Format.Image format = usualFormat();
        Vmid guest = Images.newGuest();
        String name = plugin.findFreeDiskname(storage, guest, format, true);
        VolumeName volume = plugin.allocImage(storage, guest, format, name, Images.sizeOf(format));
        return !volume.value().endsWith(name);
    }

    /** A call that has to fail, by which a plugin shows how its failures look. */
    private boolean makesWhatIsThere() {
        Format.Image format = usualFormat();
        Vmid guest = Images.newGuest();
        String name = plugin.findFreeDiskname(storage, guest, format, true);
        plugin.allocImage(storage, guest, format, name, Images.sizeOf(format));
        plugin.allocImage(storage, guest, format, name, Images.sizeOf(format));
        return true;
    }

    /** PVE's own base class offers streams of other formats, which only PVE's patched qemu-img writes. */
    private boolean hasBrokenConversion(VolumeName volume, Format.Image format) throws IOException {
        for (String stream : plugin.exportFormats(storage, volume, AS_IT_IS)) {
            if (!stream.startsWith(format.word()) && !stream.startsWith("tar") && !doesExport(volume, stream)) {
                return true;
            }
        }
        return false;
    }

    private boolean doesExport(VolumeName volume, String stream) throws IOException {
        Path file = Files.createTempFile("tenon-tck-", ".stream");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, StreamSettings.USUAL.named("the export"))) {
            plugin.exportVolume(storage, volume, stream, AS_IT_IS, export);
            return true;
        } catch (StorageException e) {
            return false;
        } finally {
            Files.delete(file);
        }
    }

    private boolean keepsNotes() throws IOException {
        if (!plugin.pluginData().content().contains(ContentType.BACKUP.word())) {
            return false;
        }
        try (BackupFile backup = BackupFile.in(plugin, storage)) {
            return plugin.attribute(storage, backup.volume(), VolumeAttribute.NOTES)
                    .isPresent();
        }
    }
}
