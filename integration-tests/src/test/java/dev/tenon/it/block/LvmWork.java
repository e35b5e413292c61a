package dev.tenon.it.block;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.lvm.LvmPlugin;
import dev.tenon.core.storage.block.lvm.LvmThinPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A program that changes volumes of LVM until it is killed, and writes down what it begins and what has ended. */
final class LvmWork {
    private static final Vmid GUEST = new Vmid(100);
    private static final int MOST_SNAPSHOTS = 2;

    private LvmWork() {}

    static StoragePlugin plugin(boolean isThin) {
        return isThin ? new LvmThinPlugin(Lab.HOST) : new LvmPlugin(Lab.HOST);
    }

    static Storage storage(boolean isThin) {
        return isThin ? Lab.thin(Lab.GROUP, Lab.POOL) : Lab.thick(Lab.GROUP, Map.of("snapshot-as-volume-chain", "1"));
    }

    public static void main(String[] arguments) throws IOException {
        boolean isThin = arguments[0].equals("thin");
        Path journal = Path.of(arguments[1]);
        Path done = Path.of(arguments[2]);
        Random random = new Random(Long.parseLong(arguments[3]));
        StoragePlugin bare = plugin(isThin);
        StoragePlugin plugin = Decorator.decorate(bare, new Journalled(new Journal(journal), bare));
        Storage storage = storage(isThin);
        Format format = isThin ? Format.Image.RAW : Format.Image.QCOW2;
        int number = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 0;
        while (true) {
            VolumeName volume = new VolumeName("vm-100-disk-" + number++ + (isThin ? "" : ".qcow2"));
            note(
                    done,
                    "alloc " + volume,
                    () -> plugin.allocImage(storage, GUEST, format, volume.value(), ByteSize.ofKib(4096)));
            plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
            List<SnapshotName> snapshots = new ArrayList<>();
            for (int step = 0; step < 3; step++) {
                if (snapshots.size() < MOST_SNAPSHOTS) {
                    SnapshotName snapshot = new SnapshotName("at" + step);
                    note(
                            done,
                            "snapshot " + volume + " " + snapshot,
                            () -> plugin.snapshotVolume(storage, volume, snapshot));
                    snapshots.add(snapshot);
                }
                if (random.nextBoolean()) {
                    SnapshotName last = snapshots.getLast();
                    note(done, "rollback " + volume + " " + last, () -> plugin.rollback(storage, volume, last));
                }
                if (random.nextBoolean()) {
                    SnapshotName some = snapshots.remove(random.nextInt(snapshots.size()));
                    note(
                            done,
                            "delete " + volume + " " + some,
                            () -> plugin.deleteSnapshot(storage, volume, some, false));
                }
            }
            if (random.nextInt(3) > 0) {
                note(
                        done,
                        "free " + volume,
                        () -> plugin.freeImage(storage, volume, false, format).ifPresent(Cleanup::run));
            }
        }
    }

    private static void note(Path done, String what, Runnable work) throws IOException {
        append(done, "begin " + what);
        work.run();
        append(done, "end " + what);
    }

    private static void append(Path file, String line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
