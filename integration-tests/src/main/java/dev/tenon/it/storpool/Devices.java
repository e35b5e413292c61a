package dev.tenon.it.storpool;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The bytes of volumes and snapshots as files, and the devices of each client as links to them: {@code data/ID} and {@code
 * clients/CLIENT/ID}.
 */
final class Devices {
    private final Path directory;

    Devices(Path directory) {
        this.directory = directory;
        make(directory.resolve("data"));
        make(directory.resolve("clients"));
    }

    private static void make(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path data(String globalId) {
        return directory.resolve("data").resolve(globalId);
    }

    /** Where a client sees its devices; stands for {@code /dev/storpool-byid}. */
    Path ofClient(int client) {
        Path devices = directory.resolve("clients").resolve(Integer.toString(client));
        make(devices);
        return devices;
    }

    void create(String globalId, long size) {
        resize(globalId, size);
    }

    void copy(String from, String to) {
        try {
            Files.copy(data(from), data(to), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes the object as large, or as small. */
    void resize(String globalId, long size) {
        try (FileChannel channel =
                FileChannel.open(data(globalId), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (channel.size() < size) {
                channel.write(ByteBuffer.allocate(1), size - 1);
            } else {
                channel.truncate(size);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void remove(String globalId) {
        delete(data(globalId));
    }

    void attach(String globalId, int client) {
        Path device = ofClient(client).resolve(globalId);
        try {
            Files.deleteIfExists(device);
            Files.createSymbolicLink(device, data(globalId).toAbsolutePath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void detach(String globalId, int client) {
        delete(ofClient(client).resolve(globalId));
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
