package dev.tenon.bridge.transport;

import dev.tenon.core.linux.FileStatus;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;

/** The file of a socket to listen on. It appears under its name only when its mode is 0600. */
public final class SocketFile {
    /** What the kernel's address of a Unix socket holds, without its final zero. */
    private static final int LONGEST_PATH = 107;

    private static final int HIDDEN_NAME = 8;

    private final Path path;
    private final Path hidden;

    private SocketFile(Path path, Path hidden) {
        this.path = path;
        this.hidden = hidden;
    }

    /**
     * A file that may be made. A socket that a dead process left at this path will be replaced.
     *
     * @throws IOException if somebody listens there, something else is there, or the path is too long; the message says
     *     which
     */
    public static SocketFile at(Path path) throws IOException {
        if (isAnswered(path)) {
            throw new IOException(
                    "another process listens at '" + path + "' already; stop it, or choose another socket");
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && !FileStatus.ofLink(path).isSocket()) {
            throw new IOException(
                    "cannot listen at '" + path + "': there is a file that is no socket; choose another path");
        }
        Path hidden = path.resolveSibling("." + UUID.randomUUID().toString().substring(0, HIDDEN_NAME));
        int length = Math.max(bytes(path), bytes(hidden));
        if (length > LONGEST_PATH) {
            throw new IOException("the socket path '" + path + "' is too long by " + (length - LONGEST_PATH)
                    + " bytes; choose a shorter directory");
        }
        return new SocketFile(path, hidden);
    }

    /** Where to bind the socket. */
    public Path hidden() {
        return hidden;
    }

    /** Gives the socket that was bound its mode and its name; if that fails, its file is gone. */
    public void publish() throws IOException {
        try {
            Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rw-------"));
            Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(hidden);
            throw e;
        }
    }

    private static int bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }

    /** Whether somebody listens at this path. */
    static boolean isAnswered(Path path) {
        if (!Files.exists(path)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }
}
