package dev.tenon.core.backup.repository;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The repository's key, sealed by a passphrase or a key file. It can be removed and made anew without anything else being
 * written.
 *
 * @param isFull whether the key reads, or only adds backups
 * @param iterations of PBKDF2-HMAC-SHA512 for a passphrase; 0 for a key file
 * @param salt in Base64
 * @param sealed in Base64
 */
record KeySlot(String fingerprint, boolean isFull, int iterations, String salt, String sealed) {
    static final String EXTENSION = ".key";

    /** What OWASP asks for is 210,000 (2023). */
    static final int ITERATIONS = 300_000;

    /** A slot that somebody put there must not keep a reader busy for ever. */
    private static final int MOST_ITERATIONS = 10_000_000;

    private static final int VERSION = 1;
    private static final String FULL = "full";
    private static final String WRITE = "write";
    private static final int TAG = 16;

    static KeySlot make(RepositoryKey key, Unlocking by, boolean isFull) {
        return make(key, by, isFull, RepositoryKey.random(RepositoryKey.BYTES), ITERATIONS);
    }

    static KeySlot make(RepositoryKey key, Unlocking by, boolean isFull, byte[] salt, int iterations) {
        int rounds = by instanceof Unlocking.Passphrase ? iterations : 0;
        KeySlot empty = new KeySlot(key.fingerprint(), isFull, rounds, text(salt), "");
        byte[] secret = empty.secret(by);
        if (secret == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "a key from paper is the repository's own and opens it already; take a key file or a passphrase");
        }
        try {
            byte[] sealed =
                    Sealing.cipher(Cipher.ENCRYPT_MODE, secret, empty.name()).doFinal(key.secret(isFull));
            return new KeySlot(empty.fingerprint, isFull, rounds, empty.salt, text(sealed));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private byte[] name() {
        return ("tenon key " + (isFull ? FULL : WRITE) + " " + fingerprint).getBytes(StandardCharsets.US_ASCII);
    }

    private byte @Nullable [] secret(Unlocking by) {
        return switch (by) {
            case Unlocking.Passphrase passphrase when iterations > 0 -> stretched(passphrase.phrase());
            case Unlocking.KeyFile file when iterations == 0 -> RepositoryKey.hmac(file.secret(), bytes(salt));
            default -> null;
        };
    }

    private byte[] stretched(String phrase) {
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA512")
                    .generateSecret(new PBEKeySpec(
                            phrase.toCharArray(), bytes(salt), iterations, RepositoryKey.BYTES * Byte.SIZE))
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The repository's key; null if this does not open it. */
    @Nullable
    RepositoryKey open(Unlocking by) {
        byte[] secret = secret(by);
        ByteBuffer opened = ByteBuffer.allocate(2 * RepositoryKey.BYTES);
        byte[] content = bytes(sealed);
        return secret != null
                        && content.length == opened.capacity() + TAG
                        && Sealing.open(secret, name(), ByteBuffer.wrap(content), opened)
                ? RepositoryKey.ofSecret(opened.array(), isFull)
                : null;
    }

    byte[] write() throws IOException {
        Map<String, Object> slot = new TreeMap<>();
        slot.put("tenon-key", VERSION);
        slot.put("fingerprint", fingerprint);
        slot.put("access", isFull ? FULL : WRITE);
        slot.put("iterations", iterations);
        slot.put("salt", salt);
        slot.put("sealed", sealed);
        return JSON.std.asBytes(slot);
    }

    static KeySlot read(Path file) throws IOException {
        try {
            Map<String, Object> slot = JSON.std.mapFrom(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
            if (Integer.valueOf(VERSION).equals(slot.get("tenon-key"))
                    && slot.get("access") instanceof String access
                    && (access.equals(FULL) || access.equals(WRITE))
                    && slot.get("iterations") instanceof Integer iterations
                    && iterations >= 0
                    && iterations <= MOST_ITERATIONS) {
                KeySlot read = new KeySlot(
                        String.valueOf(slot.get("fingerprint")),
                        access.equals(FULL),
                        iterations,
                        text(bytes(slot.get("salt"))),
                        text(bytes(slot.get("sealed"))));
                if (!read.salt.isEmpty()) {
                    return read;
                }
            }
        } catch (IllegalArgumentException | JacksonException e) {
            // said below
        }
        throw new BadRepositoryException("the key slot '" + file.getFileName() + "' is damaged or of a later version");
    }

    private static String text(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static byte[] bytes(@Nullable Object value) {
        return Base64.getDecoder().decode(String.valueOf(value));
    }

    @Override
    public String toString() {
        return "KeySlot[" + fingerprint + ", full=" + isFull + "]";
    }
}
