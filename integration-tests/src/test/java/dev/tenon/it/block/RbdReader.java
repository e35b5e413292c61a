package dev.tenon.it.block;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** A program that lists images by librados, says how many there are, and ends when it is told, as a daemon does. */
final class RbdReader {
    private RbdReader() {}

    public static void main(String[] arguments) throws IOException {
        Path root = Path.of(arguments[1]);
        RbdPlugin plugin = new RbdPlugin(new RbdHost(
                Path.of(arguments[0]),
                root.resolve("etc"),
                root.resolve("dev"),
                root.resolve("sys"),
                true,
                new Locks(root.resolve("locks"), null),
                Duration.ofMinutes(2),
                Duration.ofMinutes(2)));
        Storage storage = Storage.of(
                RbdLab.ID, "rbd", Map.of("monhost", arguments[2], "content", Map.of("images", "1", "rootdir", "1")));
        int count = plugin.listImages(storage, ImageFilter.all(), OperationCache.create())
                .size();
        System.out.println(count + " images");
        int _ = System.in.read();
        System.exit(0);
    }
}
