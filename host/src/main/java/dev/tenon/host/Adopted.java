package dev.tenon.host;

import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.core.linux.Directories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The directory that keeps the plugins that moved behind the daemon: the file of each, and where it came from. */
public record Adopted(Path directory) {
    public static final String DEFAULT = "/var/lib/tenon/adopted";

    private static final String PLACE_SUFFIX = ".place";
    private static final String PREVIOUS_SUFFIX = ".previous";
    private static final String MEMBERS_SUFFIX = ".members";
    private static final Path STATE = Path.of("tenon");

    /** The plugins that are kept. */
    public List<Path> plugins() throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".pm"))
                    .sorted()
                    .toList();
        }
    }

    /** Where a plugin of this file name is kept. */
    public Path kept(Path file) {
        return directory.toAbsolutePath().resolve(String.valueOf(file.getFileName()));
    }

    private Path place(Path kept) {
        return Path.of(kept + PLACE_SUFFIX);
    }

    /** Keeps a copy of a plugin, to the byte, with its mode and owner. */
    public void keep(Path file) throws IOException {
        makeReadable();
        Path kept = kept(file);
        writeAtomically(place(kept), file.toAbsolutePath().toString(), file);
        Path hidden = kept.resolveSibling("." + kept.getFileName() + ".new");
        Files.copy(file, hidden, StandardCopyOption.COPY_ATTRIBUTES, StandardCopyOption.REPLACE_EXISTING);
        sync(hidden);
        Files.move(hidden, kept, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Makes the directory such that PVE's web server, which is another user, can read what is kept. Tenon's own directory
     * above it is opened too, should somebody have made it for the journal alone.
     */
    public void makeReadable() throws IOException {
        Directories.make(directory, "rwxr-xr-x");
        Path above = directory.toAbsolutePath().getParent();
        if (above != null && STATE.equals(above.getFileName())) {
            Directories.open(above);
        }
    }

    /** Keeps the plugin that is in this place now, and the one that was kept before under another name. */
    public Path keepInstead(Path file) throws IOException {
        Path kept = kept(file);
        Path previous = kept.resolveSibling(kept.getFileName() + PREVIOUS_SUFFIX);
        Files.move(kept, previous, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        keep(file);
        return previous;
    }

    /**
     * Notes how many processes a kept plugin has at most: 1 for one that cannot be forked once it is loaded, or that keeps
     * what only one process may have.
     */
    public void limit(Path kept, int members) throws IOException {
        writeAtomically(members(kept), members + "\n", kept);
    }

    /**
     * How many processes a kept plugin has at most; empty if that is not noted.
     *
     * @throws IllegalArgumentException if what is noted is no such number
     */
    public OptionalInt limit(Path kept) throws IOException {
        Path file = members(kept);
        if (!Files.exists(file)) {
            return OptionalInt.empty();
        }
        String noted = Files.readString(file).strip();
        if (!noted.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException("'" + file + "' says '" + noted
                    + "', which is no number of processes from 1 to 9999; correct it, or remove the file");
        }
        return OptionalInt.of(Integer.parseInt(noted));
    }

    private static Path members(Path kept) {
        return Path.of(kept + MEMBERS_SUFFIX);
    }

    /** No longer keeps a plugin, whatever is in its place. */
    public void forget(Path kept) throws IOException {
        Files.delete(kept);
        Files.delete(place(kept));
        Files.deleteIfExists(members(kept));
        Files.deleteIfExists(kept.resolveSibling(kept.getFileName() + PREVIOUS_SUFFIX));
    }

    /** Where a kept plugin came from. */
    public Path placeOf(Path kept) throws IOException {
        return Path.of(Files.readString(place(kept)));
    }

    /** The storage type of a kept plugin, as its proxy says; empty if there is no proxy of it. */
    Optional<String> typeOf(Path kept) throws IOException {
        if (!Files.isRegularFile(place(kept))) {
            return Optional.empty();
        }
        Path proxy = placeOf(kept);
        return Files.isRegularFile(proxy)
                ? ProxyClass.typeOf(Files.readString(proxy, StandardCharsets.ISO_8859_1))
                : Optional.empty();
    }

    /** Puts a kept plugin back where it came from, and no longer keeps it. */
    public void putBack(Path kept) throws IOException {
        Path target = placeOf(kept);
        Path hidden = target.resolveSibling("." + target.getFileName() + ".tenon");
        Files.copy(kept, hidden, StandardCopyOption.COPY_ATTRIBUTES, StandardCopyOption.REPLACE_EXISTING);
        sync(hidden);
        Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
        forget(kept);
    }

    /** Writes a file so that there is either the old or the new one, with the mode and owner of another. */
    public static void writeAtomically(Path target, String text, Path like) throws IOException {
        Path hidden = target.resolveSibling("." + target.getFileName() + ".tenon");
        try {
            write(hidden, text, like);
            Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(hidden);
            throw e;
        }
    }

    private static void write(Path hidden, String text, Path like) throws IOException {
        Files.writeString(hidden, text, StandardCharsets.UTF_8);
        PosixFileAttributes attributes =
                Files.readAttributes(like, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        Files.setPosixFilePermissions(hidden, attributes.permissions());
        Files.setAttribute(hidden, "posix:group", attributes.group());
        Files.setAttribute(hidden, "posix:owner", attributes.owner());
        sync(hidden);
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
