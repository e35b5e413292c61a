package dev.tenon.it.block;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.journal.Journalled;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;

/** A program that changes volumes of ZFS until it is killed, and writes down what it begins and what has ended. */
final class ZfsWork {
    private static final Vmid GUEST = new Vmid(100);

    private ZfsWork() {}

    public static void main(String[] arguments) throws IOException {
        Path done = Path.of(arguments[1]);
        Random random = new Random(Long.parseLong(arguments[2]));
        StoragePlugin bare = ZfsLab.plugin();
        StoragePlugin plugin = Decorator.decorate(bare, new Journalled(new Journal(Path.of(arguments[0])), bare));
        Storage storage = ZfsLab.storage(ZfsLab.POOL, Map.of("sparse", "1"));
        for (int number = Integer.parseInt(arguments[3]); ; number++) {
            boolean isDisk = random.nextBoolean();
            Format format = isDisk ? Format.Image.RAW : Format.Image.SUBVOL;
            VolumeName volume = new VolumeName((isDisk ? "vm" : "subvol") + "-100-disk-" + number);
            SnapshotName snapshot = new SnapshotName("at");
            note(
                    done,
                    "alloc " + volume,
                    () -> plugin.allocImage(storage, GUEST, format, volume.value(), ByteSize.ofKib(4096)));
            note(done, "snapshot " + volume, () -> plugin.snapshotVolume(storage, volume, snapshot));
            switch (random.nextInt(4)) {
                case 0 -> note(done, "rollback " + volume, () -> plugin.rollback(storage, volume, snapshot));
                case 1 -> note(done, "delete " + volume, () -> plugin.deleteSnapshot(storage, volume, snapshot, false));
                case 2 -> note(done, "free " + volume, () -> plugin.freeImage(storage, volume, false, format));
                default -> note(done, "base " + volume, () -> plugin.createBase(storage, volume));
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
