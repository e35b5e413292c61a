package dev.tenon.core.record;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A directory of recordings. */
public final class Recordings {
    static final String ENDING = ".jsonl";

    private static final Logger LOG = LoggerFactory.getLogger(Recordings.class);

    private final Path directory;

    /**
     * Those in a directory.
     *
     * @param directory need not be there
     */
    public Recordings(Path directory) {
        this.directory = directory;
    }

    public Path directory() {
        return directory;
    }

    /** All of them, the oldest first. Files that are none are passed over. */
    public List<Recording> all() throws IOException {
        List<Recording> all = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + ENDING)) {
                for (Path file : files) {
                    try {
                        all.add(Recording.of(file));
                    } catch (IOException e) {
                        LOG.warn("event=no-recording file={} reason=\"{}\"", file, e.getMessage());
                    }
                }
            }
        }
        all.sort(Comparator.comparing(Recording::begin));
        return all;
    }

    /**
     * Erases one.
     *
     * @param name of the file
     * @throws IOException if there is none of that name, or it cannot be erased
     */
    public void erase(String name) throws IOException {
        boolean isThere = all().stream()
                .anyMatch(recording -> recording.file().getFileName().toString().equals(name));
        if (!isThere) {
            throw new IOException("there is no recording '" + name + "' in '" + directory + "'");
        }
        Files.delete(directory.resolve(name));
    }

    /** Erases what has expired. The log says what could not be. */
    public void eraseExpired() {
        try {
            for (Recording recording : all()) {
                if (recording.expires().isBefore(Instant.now())) {
                    Files.deleteIfExists(recording.file());
                    LOG.info("event=recording-expired file={}", recording.file());
                }
            }
        } catch (IOException e) {
            LOG.error("event=recordings-not-expired directory={} reason=\"{}\"", directory, e.getMessage());
        }
    }
}
