package dev.tenon.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A file system in a sparse file, mounted until this is closed. */
record Mounted(Path file, Path directory) implements AutoCloseable {
    static Mounted make(Path place, List<String> mkfs, long size) throws IOException {
        Mounted mounted = new Mounted(place.resolveSibling(place.getFileName() + ".img"), place);
        try (RandomAccessFile sparse = new RandomAccessFile(mounted.file.toFile(), "rw")) {
            sparse.setLength(size);
        }
        List<String> command = new ArrayList<>(mkfs);
        command.add(mounted.file.toString());
        Host.run(command.toArray(String[]::new));
        Files.createDirectories(place);
        Host.run("mount", "-o", "loop", mounted.file.toString(), place.toString());
        return mounted;
    }

    @Override
    public void close() throws IOException {
        Host.run("umount", directory.toString());
        Files.delete(file);
    }
}
