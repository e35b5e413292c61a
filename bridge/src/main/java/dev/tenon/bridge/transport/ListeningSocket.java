package dev.tenon.bridge.transport;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A socket that listens: one that this process makes, one that it was started with, or one that another process hands over.
 * The file of the second belongs to whoever made it. Those who connected to the second and third before this process began
 * are answered, too.
 */
public final class ListeningSocket implements AutoCloseable {
    private static final int BACKLOG = 1024;

    /** The first descriptor that systemd hands to a service; the others follow it. */
    private static final int FIRST = 3;

    private final Path path;
    private final UnixSocket socket;

    /** Null if this process did not make it. */
    private final @Nullable SocketFile file;

    private volatile boolean isOwn;

    /** Which file is at the path, so that no other's is removed; null as long as this process has none there. */
    private volatile @Nullable Object key;

    private ListeningSocket(Path path, UnixSocket socket, @Nullable SocketFile file, boolean isOwn) throws IOException {
        this.path = path;
        this.socket = socket;
        this.file = file;
        this.isOwn = isOwn;
        socket.acceptNow();
    }

    /**
     * Makes one, which appears at its path, with mode 0600, when somebody accepts. A socket that a dead process left there
     * is replaced.
     *
     * @throws IOException if the path cannot be bound, or somebody listens there; the message says which
     */
    public static ListeningSocket make(Path path) throws IOException {
        SocketFile file = SocketFile.at(path);
        try {
            return new ListeningSocket(path, UnixSocket.listen(file.hidden(), BACKLOG), file, true);
        } catch (IOException e) {
            throw new IOException("cannot listen at '" + path + "': " + e.getMessage(), e);
        }
    }

    /**
     * The one for this path among those that the service manager opened for this process, by the protocol of systemd's
     * {@code sd_listen_fds(3)}: so many as {@code LISTEN_FDS} says, from descriptor 3 on, if {@code LISTEN_PID} is this
     * process. Asked once at the start of a process; the others are closed.
     *
     * @param environment the process's variables
     * @return empty if the process was started without sockets
     * @throws IOException if there are sockets and none is for this path; the message says where they listen
     */
    public static Optional<ListeningSocket> inherited(Path path, Map<String, String> environment) throws IOException {
        if (!Long.toString(ProcessHandle.current().pid()).equals(environment.get("LISTEN_PID"))) {
            return Optional.empty();
        }
        ListeningSocket found = null;
        List<String> others = new ArrayList<>();
        for (int number = FIRST; number < FIRST + count(environment); number++) {
            UnixSocket socket = UnixSocket.inherited(number);
            Path bound = socket.path().orElse(Path.of(""));
            if (found == null && isSame(bound, path)) {
                found = new ListeningSocket(path, socket, null, false);
            } else {
                others.add("'" + bound + "'");
                socket.close();
            }
        }
        if (found == null && !others.isEmpty()) {
            throw new IOException("this process was started with a socket at " + String.join(", ", others)
                    + " and none at '" + path + "'; make ListenStream= of its socket unit and --socket the same");
        }
        return Optional.ofNullable(found);
    }

    /**
     * One that another process hands over.
     *
     * @param path where clients connect
     * @param descriptor of the socket, closed with it
     * @param isOwn whether the file goes with the socket to this process
     * @throws IOException if it is no socket that listens; the descriptor stays open then
     */
    public static ListeningSocket handedOver(Path path, Descriptor descriptor, boolean isOwn) throws IOException {
        ListeningSocket socket = new ListeningSocket(path, UnixSocket.listening(descriptor), null, isOwn);
        socket.key = keyOf(path);
        return socket;
    }

    private static int count(Map<String, String> environment) throws IOException {
        String text = environment.getOrDefault("LISTEN_FDS", "0");
        if (!text.matches("[0-9]{1,4}")) {
            throw new IOException("LISTEN_FDS is '" + text + "', which is no number of descriptors");
        }
        return Integer.parseInt(text);
    }

    private static boolean isSame(Path bound, Path path) throws IOException {
        return bound.equals(path) || (Files.exists(bound) && Files.exists(path) && Files.isSameFile(bound, path));
    }

    /** Where clients connect. */
    public Path path() {
        return path;
    }

    UnixSocket socket() {
        return socket;
    }

    /** Whether the file goes away when this process closes the socket. */
    public boolean isOwn() {
        return isOwn;
    }

    /** Whether the file goes away when this process closes the socket, from now on. */
    void own(boolean isIt) {
        isOwn = isIt;
    }

    /** Gives the file its mode and its name. */
    void publish() throws IOException {
        if (file != null) {
            file.publish();
            key = keyOf(path);
        }
    }

    private static @Nullable Object keyOf(Path path) throws IOException {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            // The number of a file that was removed is soon given again.
            return attributes.fileKey() + "@" + attributes.lastModifiedTime();
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /**
     * Removes the file if it is this process's, and nobody has put another one there. This comes before the socket is closed,
     * so that nobody finds a dead one.
     */
    void withdraw() throws IOException {
        if (file != null) {
            Files.deleteIfExists(file.hidden());
        }
        Object own = key;
        if (isOwn && own != null && own.equals(keyOf(path))) {
            Files.deleteIfExists(path);
        }
    }

    /** Closes it and removes what this process made, for one that nobody accepts from yet. */
    @Override
    public void close() throws IOException {
        socket.close();
        if (file != null) {
            Files.deleteIfExists(file.hidden());
        }
    }
}
