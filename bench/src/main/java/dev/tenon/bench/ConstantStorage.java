package dev.tenon.bench;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A storage whose calls cost nothing, so that what is measured is the way to it and back. */
final class ConstantStorage extends DirectoryPlugin {
    private static final SizeInfo ANSWER = new SizeInfo(
            ByteSize.ofBytes(67_108_864), Format.Image.QCOW2, ByteSize.ofBytes(200_704), null, 1_760_000_000L);

    private ConstantStorage() {}

    /** The daemon with this storage in place of the real one. Argument: its socket. */
    public static void main(String[] args) throws IOException, InterruptedException {
        try (UnixSockets sockets = new UnixSockets();
                Daemon _ = Daemon.start(
                        sockets, Path.of(args[0]), ServedPlugins.ofStorages(Map.of("dir", new ConstantStorage())))) {
            Thread.currentThread().join();
        }
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return ANSWER;
    }
}
