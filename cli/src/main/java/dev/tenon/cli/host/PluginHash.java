package dev.tenon.cli.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/** What a report says of the files that it is about. */
public final class PluginHash {
    private PluginHash() {}

    /**
     * The SHA-256 of a file, in hexadecimal digits.
     *
     * @param name of a file, or of a storage type, which has none
     * @throws IOException if the file cannot be read
     */
    public static Optional<String> of(String name) throws IOException {
        Path file = Path.of(name);
        if (!name.contains("/") && !Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            return Optional.of(HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
