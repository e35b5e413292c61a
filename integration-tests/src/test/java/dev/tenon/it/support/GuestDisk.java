package dev.tenon.it.support;

import dev.tenon.core.qemu.QmpException;
import dev.tenon.core.qemu.StorageDaemon;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A disk of a VM that runs, as far as a backup sees it: qemu-storage-daemon has it, with the same block drivers as PVE's
 * QEMU, keeps a dirty bitmap of it in memory, and shows a point in time of it while the guest goes on writing.
 */
public final class GuestDisk implements Closeable {
    private static final int GRANULARITY = 4 << 20;
    private static final String BACKGROUND = "background";
    private static final long LIMIT_SECONDS = 60;

    private final Path directory;
    private final Path file;
    private final String device;
    private final String bitmap;
    private final long size;
    private final StorageDaemon daemon;
    private boolean hasBitmap;
    private boolean isListening;

    private GuestDisk(Path directory, String device, String storage, long size) throws IOException {
        this.directory = Files.createDirectories(directory);
        this.device = device;
        this.bitmap = "snapshot-access:" + storage;
        this.size = size;
        this.file = directory.resolve(device + ".raw");
        try (var channel = Files.newByteChannel(
                file, java.nio.file.StandardOpenOption.CREATE_NEW, java.nio.file.StandardOpenOption.WRITE)) {
            channel.position(size - 1).write(ByteBuffer.allocate(1));
        }
        this.daemon = StorageDaemon.start(
                directory,
                List.of(
                        "--blockdev",
                        "driver=file,node-name=file,filename=" + file + ",discard=unmap",
                        "--blockdev",
                        "driver=raw,node-name=src,file=file,discard=unmap"));
    }

    /** One with this many zeroes, of a VM that is backed up to this storage. */
    public static GuestDisk start(Scratch scratch, String device, String storage, long size) {
        try {
            return scratch.closing(
                    new GuestDisk(Files.createTempDirectory(scratch.root(), "guest-"), device, storage, size));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void run(String command, Map<String, ?> arguments) {
        try {
            daemon.qmp().execute(command, arguments);
        } catch (QmpException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    public String device() {
        return device;
    }

    public long size() {
        return size;
    }

    /** The name of its bitmap. */
    public String bitmap() {
        return bitmap;
    }

    private Path socket() {
        return directory.resolve("nbd");
    }

    private void listen() {
        if (!isListening) {
            run(
                    "nbd-server-start",
                    Map.of(
                            "addr",
                            Map.of("type", "unix", "data", Map.of("path", socket().toString())),
                            "max-connections",
                            16));
            isListening = true;
        }
    }

    /** As the guest does: what is dirty is noted. */
    public void write(long offset, byte[] data) {
        listen();
        run("block-export-add", Map.of("type", "nbd", "id", "guest", "node-name", "src", "writable", true));
        try {
            Path content = directory.resolve("content");
            Files.write(content, data);
            qemuIo("write -s " + content + " " + offset + " " + data.length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            run("block-export-del", Map.of("id", "guest", "mode", "hard"));
            awaitNoExport();
        }
    }

    private void qemuIo(String command) throws IOException {
        Path output = directory.resolve("qemu-io");
        Process io = new ProcessBuilder("qemu-io", "-f", "raw", "-c", command, "nbd+unix:///src?socket=" + socket())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            boolean isDone = io.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
            String said = Files.readString(output);
            if (!isDone) {
                io.destroyForcibly();
                throw new AssertionError("qemu-io hangs in '" + command + "': " + said);
            } else if (!said.contains("wrote ")) {
                throw new AssertionError(command + ": " + said);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An export goes when its last client has. */
    private void awaitNoExport() {
        Awaitility.await("the end of an export")
                .atMost(Duration.ofSeconds(20))
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> daemon.qmp().list("query-block-exports").isEmpty());
    }

    /** What the guest sees now. */
    public byte[] content() {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A disk that is being backed up: as PVE's hash of it. */
    public record Access(String mode, Path socket, String bitmapName) {
        /** With the keys that PVE uses. */
        public Map<String, Object> asHash(long size) {
            Map<String, Object> hash = new LinkedHashMap<>();
            hash.put("size", size);
            hash.put("bitmap-mode", mode);
            hash.put("nbd-path", socket.toString());
            if (!bitmapName.isEmpty()) {
                hash.put("bitmap-name", bitmapName);
            }
            return hash;
        }
    }

    /**
     * Shows the disk as it is now.
     *
     * @param answer what the provider wants of the bitmap: {@code new}, {@code use} or {@code none}
     */
    public Access begin(String answer) {
        boolean isUsed = answer.equals("use") && hasBitmap;
        String mode = answer.equals("none") ? "none" : isUsed ? "reuse" : "new";
        changeBitmap(mode);
        if (mode.equals("new")) {
            markAll();
        }
        addNodes(isUsed);
        listen();
        Map<String, Object> export = new LinkedHashMap<>(
                Map.of("type", "nbd", "id", "backup", "node-name", "access", "name", device, "writable", true));
        boolean isNamed = !mode.equals("none");
        if (isNamed) {
            export.put("bitmaps", List.of(Map.of("node", "src", "name", bitmap)));
        }
        run("block-export-add", export);
        return new Access(mode, socket(), isNamed ? bitmap : "");
    }

    /** As in PVE's QEMU, where a bitmap that is new has everything dirty. */
    private void markAll() {
        run("block-dirty-bitmap-enable", Map.of("node", "src", "name", bitmap));
        write(0, content());
        run("block-dirty-bitmap-disable", Map.of("node", "src", "name", bitmap));
        run("block-dirty-bitmap-clear", Map.of("node", "src", "name", BACKGROUND));
    }

    /**
     * Makes everything but the export, and tells what PVE's QEMU tells then. A bitmap that is new has everything dirty.
     *
     * @param answer what the provider wants of the bitmap: {@code new} or {@code use}
     */
    public Map<String, Object> setUp(String answer) {
        boolean isUsed = answer.equals("use") && hasBitmap;
        changeBitmap(isUsed ? "reuse" : "new");
        if (!isUsed) {
            markAll();
        }
        addNodes(isUsed);
        if (isListening) {
            monitor("nbd-server-stop", Map.of());
        }
        return Map.of(
                "device",
                device,
                "size",
                size,
                "node-name",
                "access",
                "bitmap-node-name",
                "src",
                "bitmap-name",
                bitmap,
                "bitmap-action",
                isUsed ? "used" : "new");
    }

    /** A command of its host. */
    public void monitor(String command, Map<String, ?> arguments) {
        run(command, arguments);
        isListening = command.equals("nbd-server-start") || (isListening && !command.equals("nbd-server-stop"));
    }

    private void changeBitmap(String mode) {
        if (!mode.equals("reuse") && hasBitmap) {
            run("block-dirty-bitmap-remove", Map.of("node", "src", "name", bitmap));
            hasBitmap = false;
        }
        run("block-dirty-bitmap-add", bitmapNamed(BACKGROUND));
        if (mode.equals("new")) {
            run("block-dirty-bitmap-add", bitmapNamed(bitmap));
            hasBitmap = true;
        }
        if (!mode.equals("none")) {
            run("block-dirty-bitmap-disable", Map.of("node", "src", "name", bitmap));
        }
    }

    private void addNodes(boolean isUsed) {
        try {
            Path fleecing = directory.resolve("fleecing.raw");
            Files.deleteIfExists(fleecing);
            Files.createFile(fleecing);
            try (var channel = Files.newByteChannel(fleecing, java.nio.file.StandardOpenOption.WRITE)) {
                channel.position(size - 1).write(ByteBuffer.allocate(1));
            }
            run(
                    "blockdev-add",
                    Map.of(
                            "driver",
                            "file",
                            "node-name",
                            "fleecing",
                            "filename",
                            fleecing.toString(),
                            "discard",
                            "unmap"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, Object> cbw = new LinkedHashMap<>(
                Map.of("driver", "copy-before-write", "node-name", "cbw", "file", "src", "target", "fleecing"));
        if (isUsed) {
            cbw.put("bitmap", Map.of("node", "src", "name", bitmap));
        }
        run("blockdev-add", cbw);
        run(
                "blockdev-add",
                Map.of("driver", "snapshot-access", "node-name", "access", "file", "cbw", "discard", "unmap"));
    }

    private Map<String, Object> bitmapNamed(String name) {
        return Map.of("node", "src", "name", name, "granularity", GRANULARITY);
    }

    /** Shows it no more. The bitmap is then what was written since, after a failure also what was dirty before. */
    public void end(boolean isSuccess) {
        run("block-export-del", Map.of("id", "backup", "mode", "hard"));
        awaitNoExport();
        tearDown(isSuccess);
    }

    /** What {@link #setUp} made goes; the bitmap is then as after {@link #end}. */
    public void tearDown(boolean isSuccess) {
        run("blockdev-del", Map.of("node-name", "access"));
        run("blockdev-del", Map.of("node-name", "cbw"));
        run("blockdev-del", Map.of("node-name", "fleecing"));
        if (hasBitmap) {
            if (isSuccess) {
                run("block-dirty-bitmap-clear", Map.of("node", "src", "name", bitmap));
            }
            run(
                    "block-dirty-bitmap-merge",
                    Map.of("node", "src", "target", bitmap, "bitmaps", new ArrayList<>(List.of(BACKGROUND))));
            run("block-dirty-bitmap-enable", Map.of("node", "src", "name", bitmap));
        }
        run("block-dirty-bitmap-remove", Map.of("node", "src", "name", BACKGROUND));
    }

    @Override
    public void close() {
        daemon.close();
    }
}
