package dev.tenon.core.backup.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.command.Companion;
import dev.tenon.core.qemu.Qmp;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A QEMU with a virtual disk that writes what it is told, or a storage daemon with one. */
final class RunningGuest implements AutoCloseable {
    static final String NODE = "disk0";

    enum Kind {
        QEMU,
        STORAGE_DAEMON
    }

    private final Kind kind;
    private final Path directory;
    private final Path image;
    private final Companion program;

    RunningGuest(Kind kind, Path directory, Path image) throws IOException {
        this.kind = kind;
        this.directory = directory;
        this.image = image;
        List<String> command = new ArrayList<>();
        String file = "driver=raw,node-name=" + NODE + ",file.driver=file,file.filename=" + image;
        switch (kind) {
            case QEMU ->
                command.addAll(List.of(
                        "qemu-system-x86_64",
                        "-nodefaults",
                        "-display",
                        "none",
                        "-machine",
                        "q35,accel=tcg",
                        "-m",
                        "32",
                        "-blockdev",
                        file,
                        "-device",
                        "virtio-blk-pci,id=virtio0,drive=" + NODE));
            case STORAGE_DAEMON -> {
                Path mounted = Files.createFile(directory.resolve("guest.disk"));
                command.addAll(List.of(
                        "qemu-storage-daemon",
                        "--blockdev",
                        file,
                        "--export",
                        "type=fuse,id=guest,writable=on,node-name=" + NODE + ",mountpoint=" + mounted));
            }
        }
        String prefix = kind == Kind.QEMU ? "-" : "--";
        Path started = directory.resolve("started.qmp");
        Map<String, String> monitors = new LinkedHashMap<>();
        monitors.put("a", "server=on,wait=off,path=" + monitor());
        monitors.put("b", "server=on,wait=off,path=" + directory.resolve("b.qmp"));
        monitors.put("started", "server=off,path=" + started);
        monitors.forEach((id, socket) -> {
            command.addAll(List.of(prefix + "chardev", "socket,id=" + id + "," + socket));
            command.addAll(
                    kind == Kind.QEMU
                            ? List.of("-mon", "mode=control,chardev=" + id)
                            : List.of("--monitor", "chardev=" + id));
        });
        // Its last monitor tells when all of them are there; one that takes a client before may spoil what it says.
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(started)).configureBlocking(false);
            program = Companion.start(command, directory.resolve("guest.log"));
            program.awaitReady(() -> hasStarted(listener), Disks.LIMIT);
        }
    }

    private static boolean hasStarted(ServerSocketChannel listener) {
        try (Qmp qmp = Qmp.accept(listener, Disks.LIMIT)) {
            return qmp != null;
        } catch (IOException e) {
            return false;
        }
    }

    /** For the backup. */
    Path monitor() {
        return directory.resolve("a.qmp");
    }

    Qmp ownMonitor() throws IOException {
        return Qmp.connect(directory.resolve("b.qmp"), Disks.LIMIT);
    }

    /** The guest writes. */
    void write(int value, long offset, int length) throws IOException {
        switch (kind) {
            case QEMU -> {
                String said = io("write -P " + value + " " + offset + " " + length);
                assertThat(said).doesNotContain("failed", "rror");
            }
            case STORAGE_DAEMON -> {
                byte[] data = new byte[length];
                Arrays.fill(data, (byte) value);
                try (RandomAccessFile file =
                        new RandomAccessFile(directory.resolve("guest.disk").toFile(), "rw")) {
                    file.seek(offset);
                    file.write(data);
                    file.getFD().sync();
                }
            }
        }
    }

    private String io(String words) throws IOException {
        try (Qmp qmp = ownMonitor()) {
            return String.valueOf(qmp.execute(
                    "human-monitor-command",
                    Map.of("command-line", "qemu-io -d /machine/peripheral/virtio0/virtio-backend \"" + words + "\"")));
        }
    }

    /** What there is in the program, by name: nodes with names, exports, jobs, and the bitmaps of the disk. */
    List<String> things() throws IOException {
        try (Qmp qmp = ownMonitor()) {
            List<String> things = new ArrayList<>();
            for (Map<?, ?> node : qmp.list("query-named-block-nodes")) {
                String name = String.valueOf(node.get("node-name"));
                if (!name.startsWith("#")) {
                    things.add(name);
                }
                Qmp.objects(node.get("dirty-bitmaps"))
                        .forEach(bitmap -> things.add(
                                bitmap.get("name") + (Boolean.TRUE.equals(bitmap.get("recording")) ? "" : " (still)")));
            }
            qmp.list("query-block-exports").forEach(export -> things.add(String.valueOf(export.get("id"))));
            qmp.list("query-jobs").forEach(job -> things.add(String.valueOf(job.get("id"))));
            if (kind == Kind.QEMU && qmp.execute("query-status") instanceof Map<?, ?> status) {
                things.add(String.valueOf(status.get("status")));
            }
            return things;
        }
    }

    /** What there is without a backup. */
    List<String> thingsWithout(String... bitmaps) {
        List<String> things = new ArrayList<>(List.of(NODE));
        things.addAll(List.of(bitmaps));
        things.add(kind == Kind.QEMU ? "running" : "guest");
        return things;
    }

    /** What the disk holds now. */
    byte[] content() throws IOException {
        return Files.readAllBytes(image);
    }

    @Override
    public void close() {
        program.close();
    }
}
