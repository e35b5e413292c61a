package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Volumes that are files, directories or devices of this node: what their path names, opened with {@code qemu-io}. */
record FileContent(StoragePlugin plugin, Storage storage) implements Content {
    private static final String IN_A_DIRECTORY = "content";

    @Override
    public boolean isPresent(VolumeName volume) {
        String path = plugin.path(storage, volume, null).path();
        if (path.startsWith("/") && !path.startsWith("/dev/")) {
            return Files.exists(Path.of(path));
        }
        // A device is there while its volume is active, and other paths only say how to get there.
        ImageFilter named = new ImageFilter.Named(List.of(new VolumeId(storage.id(), volume)));
        return !plugin.listImages(storage, named, OperationCache.create()).isEmpty();
    }

    @Override
    public Opened open(VolumeName volume) {
        plugin.activateVolume(storage, volume, null, OperationCache.create(), Hints.NONE);
        Path file = Path.of(plugin.mapVolume(storage, volume, null, Hints.NONE)
                .orElseGet(() -> plugin.path(storage, volume, null).path()));
        Format format = plugin.parseVolname(volume).format();
        return new Opened() {
            @Override
            public void fill(int value) {
                if (format == Format.Image.SUBVOL) {
                    write(file.resolve(IN_A_DIRECTORY), value);
                } else {
                    io("write", value);
                }
            }

            @Override
            public boolean isFilled(int value) {
                return format == Format.Image.SUBVOL
                        ? Arrays.equals(read(file.resolve(IN_A_DIRECTORY)), new byte[] {(byte) value})
                        : !io("read", value).contains("Pattern verification failed");
            }

            private String io(String action, int value) {
                return run(List.of(
                        "qemu-io", "-f", format.word(), "-c", action + " -P " + value + " 0 64k", file.toString()));
            }

            @Override
            public void close() {
                if (format != Format.Image.SUBVOL) {
                    plugin.unmapVolume(storage, volume, null);
                    plugin.deactivateVolume(storage, volume, null, OperationCache.create());
                }
            }
        };
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, int value) {
        try {
            Files.write(file, new byte[] {(byte) value});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String run(List<String> command) {
        ShortCommand.Ended ended = new ShortCommand(command, Map.of(), Kit.USUAL_LIMIT).run();
        assertThat(ended.exitCode())
                .as(command + ": " + ended.output() + ended.errors())
                .isZero();
        return ended.output();
    }
}
