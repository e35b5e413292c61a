package dev.tenon.web;

import dev.tenon.core.linux.EffectiveUser;
import dev.tenon.core.linux.FileStatus;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** What whoever looks at the page has to know. */
public final class WebToken {
    private static final Pattern WELL_FORMED = Pattern.compile("[A-Za-z0-9._~-]{20,200}");
    private static final int BYTES = 32;
    private static final long LONGEST_FILE = 4096;
    private static final String MAC = "HmacSHA256";

    private final Path file;
    private final byte[] secret;
    private final boolean isNew;

    private WebToken(Path file, String text, boolean isNew) {
        this.file = file;
        this.secret = text.getBytes(StandardCharsets.US_ASCII);
        this.isNew = isNew;
    }

    /**
     * The token in a file, or a new one, which is written there with mode 0600.
     *
     * @throws IOException if others may read the file or it is theirs, if it holds no token, or if it cannot be read or written; the message
     *     says which, and what to do
     */
    public static WebToken in(Path file) throws IOException {
        byte[] random = new byte[BYTES];
        new SecureRandom().nextBytes(random);
        String made = HexFormat.of().formatHex(random);
        // Only whoever finds it whole uses it: two daemons may begin at once.
        Path part = file.resolveSibling("." + file.getFileName() + "." + made.substring(0, 16));
        if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
            var privately = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
            try (FileChannel channel = FileChannel.open(
                    part, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), privately)) {
                ByteBuffer bytes = ByteBuffer.wrap((made + "\n").getBytes(StandardCharsets.US_ASCII));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
                Files.createLink(file, part);
                return new WebToken(file, made, true);
            } catch (FileAlreadyExistsException e) {
                return read(file);
            } catch (IOException e) {
                throw new IOException(
                        "cannot write the token of the page to '" + file + "' (--web-token): " + e.getMessage(), e);
            } finally {
                Files.deleteIfExists(part);
            }
        }
        return read(file);
    }

    private static WebToken read(Path file) throws IOException {
        if (!(Files.getAttribute(file, "unix:uid") instanceof Integer owner)
                || (owner != EffectiveUser.id() && owner != 0)) {
            throw new IOException("the token of the page in '" + file
                    + "' belongs to another user, who knows it; remove the file, or name another with --web-token");
        }
        Set<PosixFilePermission> mode = EnumSet.copyOf(Files.getPosixFilePermissions(file));
        mode.removeAll(PosixFilePermissions.fromString("rwx------"));
        if (!mode.isEmpty()) {
            throw new IOException("others than its owner may use the token of the page in '" + file
                    + "'; make it secret with: chmod 600 '" + file + "', and change it");
        }
        if (!Files.isRegularFile(file) || FileStatus.of(file).size() > LONGEST_FILE) {
            throw new IOException("'" + file + "' is no file with a token of the page (--web-token)");
        }
        String text = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
        if (!WELL_FORMED.matcher(text).matches()) {
            throw new IOException("the file '" + file
                    + "' holds no token of the page: that is a line of 20 to 200 letters, digits, '.', '_', '~' and '-';"
                    + " without the file a new one is made");
        }
        return new WebToken(file, text, false);
    }

    /** Where it is kept. */
    public Path file() {
        return file;
    }

    /** Whether it was made just now, so that nobody knows it yet. */
    public boolean isNew() {
        return isNew;
    }

    /** The token, for a URL that is shown to whoever started the daemon. */
    public String text() {
        return new String(secret, StandardCharsets.US_ASCII);
    }

    /** Whether this is the value of the header {@code Authorization} of somebody who knows it. */
    boolean isIn(String authorization) {
        byte[] given = authorization.getBytes(StandardCharsets.ISO_8859_1);
        byte[] wanted = ("Bearer " + text()).getBytes(StandardCharsets.ISO_8859_1);
        return MessageDigest.isEqual(given, wanted);
    }

    /** A word that only whoever knows the token can make for this text. */
    String seal(String text) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(secret, MAC));
            return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether this is the {@link #seal} of the text. */
    boolean isSealOf(String text, String seal) {
        return MessageDigest.isEqual(
                seal(text).getBytes(StandardCharsets.US_ASCII), seal.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public String toString() {
        return "a token";
    }
}
