package dev.tenon.bridge.perl;

import dev.tenon.core.linux.EffectiveUser;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tenon's own Perl: the library, the compat layer, and the program that hosts a plugin. It has to be of the same release as
 * the Java that speaks to it, so it is part of this jar, and lies in files as soon as it is needed.
 */
public final class PerlLibrary {
    private static final String HOME = "tenon.home";
    private static final String DIRECTORY = "perl-shim";
    private static final String RESOURCES = "shim";
    private static final Path CACHE_OF_ROOT = Path.of("/var/cache/tenon");
    private static final int HASH_DIGITS = 16;
    private static final String PROGRAMS = "bin";

    private static @Nullable Path found;

    private PerlLibrary() {}

    /**
     * Where it is: below the directory that the system property {@code tenon.home} names, if there is one; else unpacked
     * from this jar into the user's cache directory ({@code $XDG_CACHE_HOME/tenon} or {@code ~/.cache/tenon}, for root
     * {@code /var/cache/tenon}), once for each release; else, where the classes are not in a jar, below the working
     * directory.
     *
     * @return a directory that holds {@code bin}, {@code lib} and {@code compat}
     * @throws IllegalStateException if there is none
     * @throws IOException if it cannot be unpacked
     */
    public static synchronized Path directory() throws IOException {
        if (found == null) {
            found = find();
        }
        return found;
    }

    private static Path find() throws IOException {
        String home = System.getProperty(HOME);
        URL packed = PerlLibrary.class.getResource(RESOURCES);
        if (home == null && packed != null) {
            return unpacked(packed, cache());
        }
        Path directory =
                Path.of(home == null ? "." : home).toAbsolutePath().normalize().resolve(DIRECTORY);
        if (!Files.isDirectory(directory)) {
            throw new IllegalStateException("'" + directory.getParent() + "' holds no " + DIRECTORY
                    + "; start Tenon with its command, or let the property " + HOME + " name where it is");
        }
        return directory;
    }

    private static Path cache() {
        if (EffectiveUser.id() == 0) {
            return CACHE_OF_ROOT;
        }
        String told = System.getenv("XDG_CACHE_HOME");
        Path directory =
                told == null || told.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(told);
        return directory.resolve("tenon");
    }

    /** Unpacks resources into a directory that is named after what is in them, unless it is there. */
    static Path unpacked(URL resources, Path cache) throws IOException {
        URI place;
        try {
            place = resources.toURI();
        } catch (URISyntaxException e) {
            throw new IOException("'" + resources + "' cannot be read", e);
        }
        if (!place.getScheme().equals("jar")) {
            return unpacked(Path.of(place), cache);
        }
        try (FileSystem jar = FileSystems.newFileSystem(
                Path.of(URI.create(place.getSchemeSpecificPart().replaceFirst("!.*", ""))))) {
            return unpacked(jar.getPath(place.getSchemeSpecificPart().replaceFirst(".*!", "")), cache);
        }
    }

    private static Path unpacked(Path source, Path cache) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(source)) {
            files = all.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        }
        Path target = cache.resolve("perl-" + hash(source, files));
        if (!Files.exists(target)) {
            unpack(source, files, target);
        }
        int owner = (Integer) Files.getAttribute(target, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (owner != EffectiveUser.id()) {
            throw new IOException("'" + target + "' belongs to another user, so it is not used; remove it");
        }
        return target.resolve(DIRECTORY);
    }

    private static String hash(Path source, List<Path> files) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path file : files) {
                byte[] content = Files.readAllBytes(file);
                digest.update(
                        (source.relativize(file) + "\0" + content.length + "\0").getBytes(StandardCharsets.UTF_8));
                digest.update(content);
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void unpack(Path source, List<Path> files, Path target) throws IOException {
        Path cache = Objects.requireNonNull(target.getParent());
        Files.createDirectories(cache);
        Path beside = Files.createTempDirectory(cache, ".perl-");
        try {
            for (Path file : files) {
                String name = source.relativize(file).toString();
                Path copy = beside.resolve(DIRECTORY).resolve(name);
                Files.createDirectories(Objects.requireNonNull(copy.getParent()));
                Files.copy(file, copy);
                if (name.startsWith(PROGRAMS)) {
                    Files.setAttribute(copy, "unix:mode", 0755);
                }
            }
            // Complete or not there: others may unpack the same.
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            remove(beside);
            if (!Files.isDirectory(target)) {
                throw e;
            }
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
