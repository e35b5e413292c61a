package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.list;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.service.Permissions;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.MemoryPlugin;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A storage without files and directories is used as any other. */
class MemoryStorageTest {
    private static final StorageId MEMORY = new StorageId("mem");
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofKib(1024);

    private static final Storage STORAGE = new Storage(MEMORY, new StorageConfig("memory", Map.of("room", "here")));

    private final MemoryPlugin plugin = new MemoryPlugin("here");

    private StorageService service(Scratch scratch) throws IOException {
        Map<String, StoragePlugin> types = Map.of("memory", plugin, "dir", new DirPlugin());
        Path file = scratch.file("storage.cfg");
        Files.createDirectories(scratch.file("own"));
        Files.writeString(
                file,
                "dir: local\n\tpath /var/lib/vz\n\tdisable\n\nmemory: mem\n\troom here\n\ndir: own\n\tpath "
                        + scratch.file("own") + "\n");
        ConfigStore configs = new ConfigStore(file, types, Locks.forFile(file));
        return new StorageService(
                configs::current, types, "here", new Locks(scratch.file("lock"), null), Runnable::run, Permissions.ALL);
    }

    @Test
    void itsVolumesAreListedGrownAndStreamedToADirectoryAndBack(Scratch scratch) throws IOException {
        StorageService service = service(scratch);
        VolumeId volume = service.allocImage(MEMORY, GUEST, Format.Image.RAW, null, SIZE);
        Path bytes = Path.of(service.path(volume, null).path());
        assertThat(bytes).as("no path of the file system").isRelative();
        byte[] content = new byte[(int) SIZE.bytes()];
        Arrays.fill(content, 4096, 9000, (byte) 'x');
        Files.write(
                Path.of(plugin.mapVolume(STORAGE, volume.volume(), null, Hints.NONE)
                        .orElseThrow()),
                content);

        Transfer whole = new Transfer(null, null, false);
        VolumeId copy =
                service.copyVolume(volume, VolumeId.parse("own:100/vm-100-disk-7.raw"), whole, StreamSettings.USUAL);
        VolumeId back =
                service.copyVolume(copy, VolumeId.parse("mem:100/vm-100-disk-8.raw"), whole, StreamSettings.USUAL);

        assertThat(scratch.file("own/images/100/vm-100-disk-7.raw")).hasBinaryContent(content);
        assertThat(service.listImages(MEMORY, ImageFilter.all(), null).get(MEMORY))
                .extracting(VolumeInfo::volid)
                .containsExactlyInAnyOrder(volume, back);
        service.resizeVolume(back, ByteSize.ofKib(2048), false, null);
        assertThat(service.volumeSizeInfo(back, null).size()).isEqualTo(ByteSize.ofKib(2048));
        service.freeImage(volume);
        service.freeImage(back);
        assertThat(service.listImages(MEMORY, ImageFilter.all(), null)).containsEntry(MEMORY, List.of());
    }

    @Test
    void itIsServedToPerl(Scratch scratch) throws IOException {
        Path socket = scratch.file("memory.sock");
        Map<String, Object> scfg = Map.of("type", "memory", "room", "here");
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(sockets, socket, ServedPlugins.ofStorages(Map.of("memory", plugin)))) {
            PerlCaller perl = PerlCaller.startAt(socket, scratch).calling("memory");

            String volume = "100/vm-100-disk-0.raw";
            assertThat(perl.scalar("alloc_image", "mem", scfg, 100, "raw", null, 1024)
                            .value())
                    .isEqualTo(volume);
            assertThat(perl.list("path", scfg, volume, "mem").list())
                    .isEqualTo(List.of("memory:here/" + volume, "100", "images"));
            assertThat(perl.list("volume_size_info", scfg, "mem", volume, 5)
                            .list()
                            .subList(0, 2))
                    .isEqualTo(List.of(Long.toString(SIZE.bytes()), "raw"));
            assertThat(perl.scalar("list_images", "mem", scfg, 100, null, Map.of())
                            .value())
                    .asInstanceOf(list(Map.class))
                    .extracting(image -> image.get("volid"))
                    .containsExactly("mem:" + volume);
            assertThat(perl.scalar("get_subdir", scfg, "images").died())
                    .contains("of type 'memory' has no directories, and so none for content 'images'");
            perl.scalar("free_image", "mem", scfg, volume, 0, "raw").value();
            assertThat(plugin.listImages(STORAGE, ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
        }
    }

    @Test
    void commandsUseItThroughTheDaemonThatServesIt(Scratch scratch) throws IOException {
        Path socket = scratch.file("memory.sock");
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(sockets, socket, ServedPlugins.ofStorages(Map.of("memory", plugin)))) {
            StorageCommands tenon = new StorageCommands(scratch);
            tenon.write(tenon.written() + "memory: mem\n\troom here\n\n");
            String[] at = {"--socket", socket.toString()};

            String disk = tenon.line(words(at, "volume", "alloc", "mem", "--vmid", "100", "--size", "1M"));
            assertThat(disk).isEqualTo("mem:100/vm-100-disk-0.raw");
            assertThat(tenon.list(words(at, "volume", "list", "mem")))
                    .singleElement()
                    .satisfies(volume -> assertThat(volume)
                            .containsEntry("volid", disk)
                            .containsEntry("format", "raw")
                            .containsEntry("size", (int) SIZE.bytes()));
            assertThat(tenon.list(words(at, "storage", "status")))
                    .filteredOn(storage -> "mem".equals(storage.get("storage")))
                    .singleElement()
                    .satisfies(storage -> assertThat(storage).containsEntry("type", "memory"));
            tenon.said(words(at, "volume", "free", disk));
            assertThat(plugin.listImages(STORAGE, ImageFilter.all(), OperationCache.create()))
                    .isEmpty();
        }
    }

    private static String[] words(String[] options, String... words) {
        return Stream.of(words, options).flatMap(Stream::of).toArray(String[]::new);
    }
}
