package dev.tenon.it.block;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A program that changes images of a cluster until it is killed, and writes down what it begins and what has ended. */
final class RbdWork {
    private static final Vmid GUEST = new Vmid(100);
    private static final int MOST_SNAPSHOTS = 2;

    private RbdWork() {}

    public static void main(String[] arguments) throws IOException {
        Path root = Path.of(arguments[1]);
        RbdHost host = new RbdHost(
                Path.of(arguments[0]),
                root.resolve("etc"),
                root.resolve("dev"),
                root.resolve("sys"),
                false,
                new Locks(root.resolve("locks"), null),
                Duration.ofMinutes(2),
                Duration.ofMinutes(2));
        Storage storage = Storage.of(
                RbdLab.ID, "rbd", Map.of("monhost", arguments[2], "content", Map.of("images", "1", "rootdir", "1")));
        Path done = Path.of(arguments[4]);
        Random random = new Random(Long.parseLong(arguments[5]));
        int number = Integer.parseInt(arguments[6]);
        StoragePlugin bare = new RbdPlugin(host);
        StoragePlugin plugin = Decorator.decorate(bare, new Journalled(new Journal(Path.of(arguments[3])), bare));
        while (true) {
            VolumeName volume = new VolumeName("vm-100-disk-" + number++);
            note(
                    done,
                    "alloc " + volume,
                    () -> plugin.allocImage(
                            storage, GUEST, Format.Image.RAW, volume.value(), ByteSize.ofBytes(8 << 20)));
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
            switch (random.nextInt(4)) {
                case 0 -> note(done, "base " + volume, () -> plugin.createBase(storage, volume));
                case 1 -> {}
                default ->
                    note(
                            done,
                            "free " + volume,
                            () -> plugin.freeImage(storage, volume, false, Format.Image.RAW)
                                    .ifPresent(Cleanup::run));
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
