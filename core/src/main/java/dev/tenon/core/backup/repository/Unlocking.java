package dev.tenon.core.backup.repository;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** By what somebody gets at the key of an encrypted repository. None of them shows its secret. */
public sealed interface Unlocking {
    /** What errors call it. */
    String words();

    /** A phrase that a person knows; of any length above 7 characters. */
    record Passphrase(String phrase) implements Unlocking {
        private static final int SHORTEST = 8;

        public Passphrase {
            if (phrase.length() < SHORTEST) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "the passphrase has " + phrase.length() + " characters; take at least " + SHORTEST);
            }
        }

        @Override
        public String words() {
            return "the passphrase";
        }

        @Override
        public String toString() {
            return "Passphrase";
        }
    }

    /** A file of 32 random bytes, in JSON. It opens only repositories that it was added to. */
    final class KeyFile implements Unlocking {
        private static final String VERSION = "tenon-key-file";

        private final byte[] secret;

        KeyFile(byte[] secret) {
            this.secret = secret.clone();
        }

        byte[] secret() {
            return secret.clone();
        }

        public static KeyFile generate() {
            return new KeyFile(RepositoryKey.random(RepositoryKey.BYTES));
        }

        /** The file, one line without its end. */
        public String text() {
            Map<String, Object> file = new TreeMap<>();
            file.put(VERSION, 1);
            file.put("secret", Base64.getEncoder().encodeToString(secret));
            try {
                return JSON.std.asString(file);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public String words() {
            return "the key file";
        }

        @Override
        public String toString() {
            return "KeyFile";
        }
    }

    /** The repository's whole key, as it was printed on paper. It opens the repository even if all its key slots are lost. */
    final class Paper implements Unlocking {
        private static final int LINE = 16;
        private static final int SUM = 2;

        private final byte[] secret;

        Paper(byte[] secret) {
            this.secret = secret.clone();
        }

        byte[] secret() {
            return secret.clone();
        }

        /** Four lines: a number, 16 bytes, and 2 bytes by which a mistake in typing is found. */
        String text() {
            StringBuilder text = new StringBuilder();
            for (int at = 0; at < secret.length; at += LINE) {
                byte[] line = Arrays.copyOfRange(secret, at, at + LINE);
                text.append(at / LINE + 1)
                        .append(' ')
                        .append(HexFormat.of().formatHex(line).replaceAll("(.{4})", "$1 "))
                        .append(' ')
                        .append(HexFormat.of().formatHex(sum(at / LINE + 1, line)))
                        .append('\n');
            }
            return text.toString();
        }

        private static byte[] sum(int number, byte[] line) {
            var digest = ChunkId.digest();
            digest.update((byte) number);
            return Arrays.copyOf(digest.digest(line), SUM);
        }

        private static Paper parse(String text) {
            byte[] secret = new byte[2 * RepositoryKey.BYTES];
            int number = 0;
            for (String typed : text.lines()
                    .filter(line -> line.matches("[1-4] [0-9a-fA-F ]+"))
                    .toList()) {
                number++;
                String digits = typed.substring(1).replace(" ", "");
                boolean isWhole = typed.charAt(0) - '0' == number && digits.length() == 2 * (LINE + SUM);
                byte[] bytes = isWhole ? HexFormat.of().parseHex(digits) : new byte[LINE + SUM];
                byte[] line = Arrays.copyOf(bytes, LINE);
                if (!isWhole || !Arrays.equals(sum(number, line), Arrays.copyOfRange(bytes, LINE, LINE + SUM))) {
                    throw StorageException.refused(
                            StorageError.BAD_PARAMETER, "line " + number + " of the key from paper has a mistake");
                }
                System.arraycopy(line, 0, secret, (number - 1) * LINE, LINE);
            }
            if (number * LINE != secret.length) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER,
                        "this is no key of a repository: neither a key file, nor the four lines of one from paper");
            }
            return new Paper(secret);
        }

        @Override
        public String words() {
            return "the key from paper";
        }

        @Override
        public String toString() {
            return "Paper";
        }
    }

    /**
     * A key file, or what was typed from paper.
     *
     * @throws StorageException {@code BAD_PARAMETER} if it is neither; the message has nothing of it
     */
    static Unlocking ofFile(String text) {
        if (!text.stripLeading().startsWith("{")) {
            return Paper.parse(text);
        }
        try {
            Map<String, Object> file = JSON.std.mapFrom(text);
            byte[] secret = Base64.getDecoder().decode(String.valueOf(file.get("secret")));
            if (Integer.valueOf(1).equals(file.get(KeyFile.VERSION)) && secret.length == RepositoryKey.BYTES) {
                return new KeyFile(secret);
            }
        } catch (IOException | IllegalArgumentException e) {
            // Said below: what a parser says may quote a secret.
        }
        throw StorageException.refused(
                StorageError.BAD_PARAMETER,
                "this is no key file that this build knows; 'tenon backup init --key-file' and 'tenon backup key"
                        + " --add' make one");
    }
}
