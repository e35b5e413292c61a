package dev.tenon.it.support;

import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.GuestType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of a shelf: a directory for each archive, {@code qemu-100-1700000000}, with {@code guest.conf}, maybe {@code
 * firewall.conf}, and for each disk {@code DEVICE.raw} or for a container {@code tree.tar}. One that is being made has {@code
 * .new-} before its name. An archive is there when it has its name.
 */
final class Shelf {
    private static final String UNFINISHED = ".new-";

    private final Path root;

    Shelf(Path root) {
        this.root = root;
    }

    /**
     * What an archive is named.
     *
     * @param seconds since 1970
     */
    record Name(GuestType type, Vmid guest, long seconds) {
        private static final Pattern GRAMMAR = Pattern.compile("(qemu|lxc)-([0-9]{1,9})-([0-9]{1,12})");

        static Name of(String text) {
            return parse(text)
                    .orElseThrow(() -> StorageException.refused(
                            StorageError.INVALID_NAME, "no name of a backup on a shelf: '" + text + "'"));
        }

        private static Optional<Name> parse(String text) {
            Matcher parts = GRAMMAR.matcher(text);
            return parts.matches()
                    ? Optional.of(new Name(
                            GuestType.ofWord(parts.group(1)).orElseThrow(),
                            new Vmid(Long.parseLong(parts.group(2))),
                            Long.parseLong(parts.group(3))))
                    : Optional.empty();
        }

        String text() {
            return type.word() + "-" + guest + "-" + seconds;
        }
    }

    /** What is done with files, and fails as a storage does. */
    @FunctionalInterface
    interface Work<T> {
        T run() throws IOException;
    }

    static <T> T doing(String what, Work<T> work) {
        try {
            return work.run();
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE, Outcome.FAILED_CLEAN, what + " failed: " + e.getMessage(), e);
        }
    }

    void open() {
        doing("making the shelf '" + root + "'", () -> Files.createDirectories(root));
    }

    StorageStatus status() {
        return doing("looking at the shelf '" + root + "'", () -> {
            FileStore store = Files.getFileStore(root);
            return new StorageStatus.Active(
                    ByteSize.ofBytes(store.getTotalSpace()),
                    ByteSize.ofBytes(store.getUsableSpace()),
                    ByteSize.ofBytes(store.getTotalSpace() - store.getUnallocatedSpace()));
        });
    }

    Path archive(String name) {
        return root.resolve(Name.of(name).text());
    }

    boolean isComplete(String name) {
        return Files.isDirectory(archive(name));
    }

    List<Name> archives() {
        return doing("listing the shelf '" + root + "'", () -> {
            try (Stream<Path> entries = Files.list(root)) {
                return entries.map(entry -> Name.parse(String.valueOf(entry.getFileName())))
                        .flatMap(Optional::stream)
                        .sorted(Comparator.comparingLong(Name::seconds))
                        .toList();
            }
        });
    }

    /** The newest archive of a guest. */
    Optional<Name> newest(Vmid guest) {
        return archives().stream().filter(name -> name.guest().equals(guest)).reduce((older, newer) -> newer);
    }

    long size(String name) {
        return doing("measuring '" + name + "'", () -> {
            try (Stream<Path> files = Files.walk(archive(name))) {
                long sum = 0;
                for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                    sum += Files.size(file);
                }
                return sum;
            }
        });
    }

    // ---- what is noted of an archive, beside it

    private Path noteOf(String name, String what) {
        return root.resolve("." + Name.of(name).text() + "." + what);
    }

    String note(String name, String what) {
        Path file = noteOf(name, what);
        return Files.exists(file) ? doing("reading '" + file + "'", () -> Files.readString(file)) : "";
    }

    boolean isProtected(String name) {
        return Files.exists(noteOf(name, "protected"));
    }

    void setNote(String name, String what, @Nullable String text) {
        Path file = noteOf(name, what);
        doing("noting '" + file + "'", () -> text == null ? Files.deleteIfExists(file) : Files.writeString(file, text));
    }

    // ---- making and removing

    /** Where an archive is made; empty at first. */
    Path begin(String name) {
        Path directory = root.resolve(UNFINISHED + Name.of(name).text());
        removeTree(directory);
        return doing("making '" + directory + "'", () -> Files.createDirectory(directory));
    }

    Path unfinished(String name) {
        return root.resolve(UNFINISHED + Name.of(name).text());
    }

    /** Gives an archive its name, once it is all on the disk. */
    void commit(String name) {
        Path directory = unfinished(name);
        doing("finishing '" + name + "'", () -> {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    try (FileChannel open = FileChannel.open(file, StandardOpenOption.READ)) {
                        open.force(true);
                    }
                }
            }
            DirectorySync.of(directory);
            Files.move(directory, archive(name), StandardCopyOption.ATOMIC_MOVE);
            DirectorySync.of(root);
            return name;
        });
    }

    /** Removes what of this guest is not finished. */
    void discard(Vmid guest) {
        doing("tidying the shelf '" + root + "'", () -> {
            try (Stream<Path> entries = Files.list(root)) {
                entries.filter(entry ->
                                String.valueOf(entry.getFileName()).matches("\\.new-[a-z]+-" + guest + "-[0-9]+"))
                        .forEach(Shelf::removeTree);
            }
            return guest;
        });
    }

    void remove(String name) {
        removeTree(archive(name));
        setNote(name, "notes", null);
        setNote(name, "protected", null);
    }

    private static void removeTree(Path tree) {
        if (!Files.exists(tree)) {
            return;
        }
        doing("removing '" + tree + "'", () -> {
            try (Stream<Path> files = Files.walk(tree)) {
                for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                    Files.delete(file);
                }
            }
            return tree;
        });
    }
}
