package dev.tenon.it.support;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The accessibility checks of axe-core (MPL-2.0), which npm fetches once into {@code $TENON_CACHE} ({@code ~/.cache/tenon}).
 * The version and the hash of its package are fixed here.
 */
public final class AxeCore {
    private static final String VERSION = "4.14.1";
    private static final String INTEGRITY =
            "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

    private AxeCore() {}

    /** The script. Skips the test where npm is not installed or cannot be reached. */
    public static String script(Scratch scratch) {
        try {
            Path directory = cache().resolve("axe-core-" + VERSION);
            Path archive = directory.resolve("axe-core-" + VERSION + ".tgz");
            if (!Files.exists(archive)) {
                fetch(scratch, directory, archive);
            }
            if (!INTEGRITY.equals(hash(archive))) {
                throw new AssertionError("'" + archive + "' is not the package of axe-core " + VERSION + "; remove it");
            }
            Process tar = new ProcessBuilder("tar", "-xOzf", archive.toString(), "package/axe.min.js")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try (InputStream out = tar.getInputStream()) {
                return new String(out.readAllBytes(), StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path cache() {
        return Stream.of(
                        Optional.ofNullable(System.getenv("TENON_CACHE")).map(Path::of),
                        Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                                .map(Path::of)
                                .map(path -> path.resolve("tenon")))
                .flatMap(Optional::stream)
                .findFirst()
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "tenon"));
    }

    /** Into a directory beside it first: there is all of it or nothing. */
    private static void fetch(Scratch scratch, Path directory, Path archive) throws IOException {
        Files.createDirectories(directory);
        Path part = Files.createDirectory(scratch.file("npm"));
        try {
            ProcessBuilder builder = new ProcessBuilder(
                            "npm",
                            "pack",
                            "axe-core@" + VERSION,
                            "--silent",
                            "--fetch-retries=0",
                            "--pack-destination",
                            part.toString())
                    .directory(part.toFile())
                    .redirectErrorStream(true);
            builder.environment().put("npm_config_cache", part.resolve("cache").toString());
            builder.environment().put("npm_config_update_notifier", "false");
            Process npm = builder.start();
            String said = new String(npm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (npm.waitFor() != 0) {
                abort("npm cannot be reached: " + said.lines().findFirst().orElse("it says nothing"));
            }
        } catch (IOException e) {
            abort("npm is not installed");
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        Files.move(part.resolve(Objects.requireNonNull(archive.getFileName())), archive);
    }

    private static String hash(Path file) throws IOException {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-512").digest(Files.readAllBytes(file)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
