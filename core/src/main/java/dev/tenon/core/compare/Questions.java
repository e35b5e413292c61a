package dev.tenon.core.compare;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Asks a plugin everything that changes nothing: about its type, and about a storage with all that it holds. The arguments
 * are the names in the storage, and odd ones. What the plugin refuses is an answer, too.
 */
public final class Questions {
    /** Names as a plugin may find them, made by hand, by another plugin, or by mistake. */
    private static final List<String> ODD_NAMES = List.of(
            "vm-100-disk-0",
            "vm-4711-disk-0.raw",
            "4711/vm-4711-disk-0.raw",
            "4711/vm-4711-disk-0.qcow2",
            "4711/vm-4711-disk-0.vmdk",
            "4711/base-4711-disk-0.qcow2",
            "4711/base-4711-disk-0.raw/4712/vm-4712-disk-0.qcow2",
            "4711/vm-4711-state-before.raw",
            "4711/vm-4711-cloudinit.qcow2",
            "4711/vm-4711-disk-0.subvol",
            "4711/vm-4712-disk-0.raw",
            "4711/.raw",
            "0/vm-0-disk-0.raw",
            "base-4711-disk-0",
            "iso/not-there.iso",
            "iso/not-there.txt",
            "vztmpl/not-there.tar.zst",
            "backup/vzdump-qemu-4711-2024_02_30-10_11_12.vma.zst",
            "backup/vzdump-lxc-4711-2024_02_29-10_11_12.tar.zst",
            "snippets/not-there.yml",
            "import/not-there.ova",
            "images/vm-100-disk-0.raw",
            "with space.raw",
            "gr\u00fcn.raw");

    /** In the order in which PVE asks for them. */
    private static final Set<ContentType> LISTED = Collections.unmodifiableSet(new LinkedHashSet<>(List.of(
            ContentType.ROOTDIR,
            ContentType.IMAGES,
            ContentType.VZTMPL,
            ContentType.ISO,
            ContentType.BACKUP,
            ContentType.SNIPPETS,
            ContentType.IMPORT)));

    private static final Vmid UNSEEN = new Vmid(4711);
    private static final SnapshotName MISSING = new SnapshotName("notthere");
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final StoragePlugin plugin;
    private final Random random;
    private final int most;

    /**
     * Questions for a plugin.
     *
     * @param seed decides which volumes are asked about if a storage holds more than wanted
     * @param most how many volumes of a storage are asked about; all are listed
     */
    public Questions(StoragePlugin plugin, long seed, int most) {
        this.plugin = plugin;
        this.random = new Random(seed);
        this.most = most;
    }

    /** Asks about the type. */
    public void askOfType() {
        ask(plugin::type);
        ask(plugin::pluginData);
        ask(plugin::properties);
        ask(plugin::options);
        ask(plugin::snapshotNeedsFreeze);
        for (String name : ODD_NAMES) {
            ask(() -> plugin.parseVolname(new VolumeName(name)));
        }
    }

    /** Asks about a storage. It is active; nothing is activated here. */
    public void ask(Storage storage) {
        ask(() -> plugin.checkConnection(storage));
        ask(() -> plugin.status(storage, OperationCache.create()));
        ask(() -> plugin.formats(storage));
        for (ContentType type : ContentType.values()) {
            ask(() -> plugin.getSubdir(storage, type));
        }
        Set<String> names = new TreeSet<>();
        Set<Long> guests = new TreeSet<>();
        ask(() -> note(plugin.listImages(storage, ImageFilter.all(), OperationCache.create()), names, guests));
        ask(() -> note(
                plugin.listVolumes(storage, null, LISTED).stream()
                        .map(listed -> listed.volume())
                        .toList(),
                names,
                guests));
        guests.add(UNSEEN.value());
        for (long guest : guests) {
            askOfGuest(storage, new Vmid(guest));
        }
        List<String> chosen = new ArrayList<>(names);
        Collections.shuffle(chosen, random);
        chosen.stream().limit(most).sorted().forEach(name -> askOfVolume(storage, new VolumeName(name)));
        ODD_NAMES.forEach(name -> askOfVolume(storage, new VolumeName(name)));
    }

    /** Asks what would be pruned of a scratch storage: a plugin that overlooks that it is only asked removes backups. */
    public void askWhatIsPruned(Storage scratch) {
        ask(() -> plugin.pruneBackups(
                scratch,
                new Retention(Map.of("keep-last", 1L)),
                new BackupSelection(null, null),
                true,
                (level, line) -> {}));
    }

    private static boolean note(List<VolumeInfo> volumes, Set<String> names, Set<Long> guests) {
        for (VolumeInfo volume : volumes) {
            names.add(volume.volid().volume().value());
            Vmid owner = volume.owner();
            if (owner != null) {
                guests.add(owner.value());
            }
        }
        return true;
    }

    private void askOfGuest(Storage storage, Vmid guest) {
        ask(() -> plugin.listImages(storage, new ImageFilter.OfGuest(guest), OperationCache.create()));
        ask(() -> plugin.listVolumes(storage, guest, LISTED));
        for (Format format : Format.Image.values()) {
            ask(() -> plugin.findFreeDiskname(storage, guest, format, true));
        }
        ask(() -> plugin.findFreeDiskname(storage, guest, null, false));
    }

    private void askOfVolume(Storage storage, VolumeName volume) {
        ask(() -> plugin.parseVolname(volume));
        ask(() -> plugin.path(storage, volume, null));
        ask(() -> plugin.filesystemPath(storage, volume, null));
        ask(() -> plugin.volumeSizeInfo(storage, volume, PATIENCE));
        ask(() -> plugin.snapshotMethod(storage, volume));
        ask(() -> plugin.importMetadata(storage, volume));
        for (VolumeAttribute attribute : VolumeAttribute.values()) {
            ask(() -> plugin.attribute(storage, volume, attribute));
        }
        List<SnapshotName> snapshots = new ArrayList<>(Arrays.asList(MISSING));
        ask(() -> plugin.snapshots(storage, volume).keySet().stream()
                .filter(name -> !name.equals("current"))
                .map(SnapshotName::new)
                .forEach(snapshots::add));
        askOfSnapshot(storage, volume, null);
        for (SnapshotName snapshot : snapshots) {
            askOfSnapshot(storage, volume, snapshot);
            ask(() -> plugin.path(storage, volume, snapshot));
            ask(() -> plugin.rollbackIsPossible(storage, volume, snapshot));
        }
    }

    private void askOfSnapshot(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        for (Feature feature : Feature.values()) {
            for (boolean isRunning : new boolean[] {false, true}) {
                ask(() -> plugin.hasFeature(storage, feature, volume, snapshot, isRunning, null));
            }
        }
        ask(() -> plugin.blockdevOptions(storage, volume, new BlockdevQuery(null, snapshot, Hints.NONE)));
        for (boolean withSnapshots : new boolean[] {false, true}) {
            Transfer transfer = new Transfer(snapshot, null, withSnapshots);
            ask(() -> plugin.exportFormats(storage, volume, transfer));
            ask(() -> plugin.importFormats(storage, volume, transfer));
        }
    }

    /** A refusal ends these questions; it is an answer, and has been compared. */
    private static void ask(Runnable question) {
        try {
            question.run();
        } catch (StorageException e) {
            // an answer
        }
    }
}
