package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Overwrites the data of removed volumes, and then frees their space. Until then they are named {@code del-} and their name;
 * one that could not be overwritten is kept, under {@code failed-NUMBER-del-} and its name.
 */
final class Wiping {
    static final String WAITING = "del-";
    static final String FAILED = "failed-";
    private static final int PIECE = 1 << 20;
    private static final int MOST_FAILED = 1000;

    private final LvmPlugin plugin;
    private final Storage storage;

    Wiping(LvmPlugin plugin, Storage storage) {
        this.plugin = plugin;
        this.storage = storage;
    }

    /** Takes a volume that has no device out of the storage, for {@link #finish}. */
    void begin(String name) {
        plugin.rename(storage, name, WAITING + name);
    }

    /** Overwrites and removes a volume that has been taken out; may take hours. The storage is not locked. */
    void finish(String name) {
        String waiting = WAITING + name;
        try {
            // Whoever has opened it before it got this name still has it open.
            plugin.close(storage, waiting);
            activate(waiting);
            overwrite(
                    plugin.device(storage, waiting),
                    plugin.present(storage, waiting).size());
        } catch (StorageException e) {
            throw kept(waiting, e);
        }
        plugin.locked(storage, () -> plugin.erase(storage, waiting));
    }

    /** Space that may still hold data is not given to anybody. */
    private StorageException kept(String waiting, StorageException failure) {
        try {
            String kept = plugin.locked(storage, () -> {
                List<String> names =
                        plugin.all(storage).stream().map(LogicalVolume::name).toList();
                for (int i = 0; i < MOST_FAILED; i++) {
                    String free = FAILED + i + "-" + waiting;
                    if (!names.contains(free)) {
                        plugin.rename(storage, waiting, free);
                        return free;
                    }
                }
                return waiting;
            });
            return new StorageException(
                    failure.error(),
                    Outcome.UNKNOWN,
                    "the data of volume '" + VolumeGroupPlugin.inGroup(storage, kept)
                            + "' could not be overwritten, so it" + " is kept: " + failure.getMessage(),
                    failure);
        } catch (StorageException e) {
            failure.addSuppressed(e);
            return failure;
        }
    }

    private void activate(String name) {
        String place = VolumeGroupPlugin.inGroup(storage, name);
        plugin.lvm()
                .change("can't activate LV '" + place + "' to zero-out its data", "lvchange", List.of("-aly", place));
        plugin.lvm()
                .change(
                        "can't refresh LV '" + place + "' to zero-out its data",
                        "lvchange",
                        List.of("--refresh", place));
    }

    private void overwrite(Path device, long size) {
        try {
            Path mapped = Path.of("/sys/dev/block", number(device));
            if (!Files.isDirectory(mapped.resolve("dm"))) {
                throw StorageException.refused(
                        StorageError.COMMAND_FAILED, "'" + device + "' is no device of the device mapper");
            }
            Path limit = mapped.resolve("queue/write_zeroes_max_bytes");
            long most = Long.parseLong(Files.readString(limit).strip());
            if (most > 0) {
                long step = Math.min(Configuration.wipeStep(storage), most);
                zeroByDisk(device, step, size);
            } else {
                zeroByWriting(device, size, Configuration.wipeRate(storage));
            }
        } catch (IOException | NumberFormatException e) {
            throw e instanceof IOException io
                    ? Failures.of(io, Outcome.UNKNOWN, "unable to overwrite '" + device + "'")
                    : new StorageException(
                            StorageError.COMMAND_FAILED,
                            Outcome.UNKNOWN,
                            "what the kernel says of '" + device + "' is no number",
                            e);
        }
    }

    /** By which the kernel knows a device, whatever its file is called. */
    private static String number(Path device) throws IOException {
        long number = (Long) Files.getAttribute(device, "unix:rdev");
        long major = ((number >> 8) & 0xfff) | ((number >> 32) & ~0xfffL);
        long minor = (number & 0xff) | ((number >> 12) & ~0xffL);
        return major + ":" + minor;
    }

    private static void zeroByDisk(Path device, long step, long size) {
        ShortCommand.Ended ended = new ShortCommand(
                        List.of("blkdiscard", device.toString(), "-v", "--zeroout", "--step", Long.toString(step)),
                        Map.of(),
                        Lvm.longEnoughFor(size))
                .run();
        if (ended.exitCode() != 0) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED, Outcome.UNKNOWN, "blkdiscard error: " + ended.lastWords());
        }
    }

    private static void zeroByWriting(Path device, long size, long bytesPerSecond) throws IOException {
        ByteBuffer zeroes = ByteBuffer.allocateDirect(PIECE);
        long began = System.nanoTime();
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
            for (long at = 0; at < size; ) {
                zeroes.clear().limit((int) Math.min(PIECE, size - at));
                at += channel.write(zeroes, at);
                long due = began + (long) (at * (double) TimeUnit.SECONDS.toNanos(1) / bytesPerSecond);
                LockSupport.parkNanos(due - System.nanoTime());
                if (Thread.currentThread().isInterrupted()) {
                    throw new StorageException(
                            StorageError.CANCELLED, Outcome.UNKNOWN, "overwriting '" + device + "' was interrupted");
                }
            }
            channel.force(false);
        }
    }
}
