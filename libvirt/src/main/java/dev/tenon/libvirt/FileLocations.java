package dev.tenon.libvirt;

import dev.tenon.core.linux.FileNamePattern;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where files may be. */
record FileLocations(List<Location> all) {
    /** The directories of guests, and in each its images. */
    private static final String IMAGES_OF_GUESTS = "/*/*";

    /**
     * One place.
     *
     * @param pattern absolute
     * @param storage whose images are there, null if somebody named the place
     */
    record Location(FileNamePattern pattern, @Nullable StorageId storage) {
        private boolean hasAbove(Path path) {
            String[] parts = pattern.text().split("/", -1);
            int above = path.getNameCount() + 1;
            return above < parts.length
                    && new FileNamePattern(String.join("/", List.of(parts).subList(0, above))).matches(path);
        }

        /** Whether the location leaves open the name of the directory that the file is in. */
        boolean isDirectoryOpen() {
            String[] parts = pattern.text().split("/", -1);
            return parts.length > 2 && parts[parts.length - 2].matches(".*[*?\\[].*");
        }
    }

    /** The locations of the storages that hold images in files. */
    static FileLocations of(StorageService storages) {
        List<Location> all = new ArrayList<>();
        for (StorageId storage : storages.enabled(Set.of(ContentType.IMAGES, ContentType.ROOTDIR))) {
            storages.directory(storage, ContentType.IMAGES)
                    .map(directory -> escaped(directory.toString()) + IMAGES_OF_GUESTS)
                    .ifPresent(pattern -> all.add(new Location(new FileNamePattern(pattern), storage)));
        }
        return new FileLocations(List.copyOf(all));
    }

    /**
     * The locations that somebody named.
     *
     * @throws StorageException {@code BAD_PARAMETER} for one that is not absolute
     */
    static FileLocations of(List<String> patterns) {
        for (String pattern : patterns) {
            if (!pattern.startsWith("/")) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "file location " + Quoted.of(pattern) + " does not begin with '/'; give the whole path");
            }
        }
        return new FileLocations(patterns.stream()
                .map(pattern -> new Location(new FileNamePattern(pattern), null))
                .toList());
    }

    private static String escaped(String directory) {
        return directory.replaceAll("[\\\\*?\\[\\]]", "\\\\$0");
    }

    /** The location that a file of this path would be in. */
    Optional<Location> of(Path path) {
        return all.stream().filter(location -> location.pattern().matches(path)).findFirst();
    }

    /** Whether this is a file of a location, or a directory above one. */
    boolean reach(Path path) {
        return of(path).isPresent() || all.stream().anyMatch(location -> location.hasAbove(path));
    }

    /**
     * A path as it was given, if nothing in it hides where it leads.
     *
     * @throws StorageException {@code BAD_PARAMETER}
     */
    static Path checked(String path) {
        boolean isPlain = path.startsWith("/")
                && path.indexOf('\0') < 0
                && List.of(path.substring(1).split("/", -1)).stream()
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!isPlain) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "path " + Quoted.of(path) + " is not absolute and plain; give it from '/' on, without empty parts,"
                            + " '.' and '..'");
        }
        return Path.of(path);
    }

    /** The refusal of a path that is in none. */
    StorageException refusal(Path path) {
        String known = all.isEmpty()
                ? "there is none, since no enabled storage keeps images in files"
                : "they are "
                        + String.join(
                                ", ",
                                all.stream()
                                        .map(location ->
                                                Quoted.of(location.pattern().text()))
                                        .toList());
        return StorageException.refused(
                StorageError.PERMISSION_DENIED,
                "path " + Quoted.of(path.toString()) + " is in no file location; " + known);
    }
}
