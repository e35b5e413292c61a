package dev.tenon.bench;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A storage whose calls cost nothing, so that what is measured is the way to it and back. */
final class ConstantStorage extends DirectoryPlugin {
    private static final SizeInfo ANSWER = new SizeInfo(
            ByteSize.ofBytes(67_108_864), Format.Image.QCOW2, ByteSize.ofBytes(200_704), null, 1_760_000_000L);

    private static final int MANY = 20_000;
    private static final List<VolumeInfo> VOLUMES = volumes();

    private ConstantStorage() {}

    static ConstantStorage make() {
        return new ConstantStorage();
    }

    private static List<VolumeInfo> volumes() {
        List<VolumeInfo> volumes = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            int guest = 100 + i / 10;
            volumes.add(new VolumeInfo(
                    VolumeId.parse("bench:" + guest + "/vm-" + guest + "-disk-" + i % 10 + ".qcow2"),
                    Format.Image.QCOW2,
                    ByteSize.ofBytes(34_359_738_368L + i),
                    new Vmid(guest),
                    ByteSize.ofBytes(4_294_967_296L + i),
                    null,
                    1_760_000_000L + i,
                    Map.of()));
        }
        return List.copyOf(volumes);
    }

    /** The daemon with this storage in place of the real one. Argument: its socket. */
    public static void main(String[] args) throws IOException, InterruptedException {
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(
                        sockets, Path.of(args[0]), ServedPlugins.ofStorages(Map.of("dir", new ConstantStorage())))) {
            Thread.currentThread().join();
        }
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return VOLUMES;
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return ANSWER;
    }
}
