package dev.tenon.core.qemu;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Quoted;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A connection to the QMP socket of a QEMU or of a qemu-storage-daemon, for one thread at a time. A socket serves one
 * client; a second one waits until the first has gone. The protocol is that of QEMU's {@code qmp-spec}.
 *
 * <p>All methods throw {@link QmpException}. An interrupt of the thread ends the wait and the connection.
 */
public final class Qmp implements AutoCloseable {
    private static final int LONGEST_MESSAGE = 16 << 20;
    private static final int MOST_EVENTS = 1000;

    private final Path socket;
    private final Duration limit;
    private final SocketChannel channel;
    private final Selector selector;
    private final Deque<Map<String, Object>> events = new ArrayDeque<>();
    private ByteBuffer buffer = ByteBuffer.allocate(64 << 10).flip();

    private Qmp(Path socket, Duration limit, SocketChannel channel, Selector selector) {
        this.socket = socket;
        this.limit = limit;
        this.channel = channel;
        this.selector = selector;
    }

    /**
     * Connects, and leaves the mode in which only capabilities are negotiated. QEMU 7.2 spoils a connection that it accepts
     * while it still starts: for one that has just been started see {@link #accept}.
     *
     * @param limit how long an answer may take, this one and all others
     */
    public static Qmp connect(Path socket, Duration limit) throws QmpException {
        try {
            return greeted(SocketChannel.open(UnixDomainSocketAddress.of(socket)), socket, limit);
        } catch (QmpException e) {
            throw e;
        } catch (IOException e) {
            throw lost(socket, e);
        }
    }

    /**
     * Takes the connection of a QEMU that was told to connect to a socket of ours ({@code server=off}).
     *
     * @param listener bound to a path; if it does not block, it is asked again and again
     * @param limit how long an answer may take, this one and all others
     * @return null if nobody has connected yet
     */
    public static @Nullable Qmp accept(ServerSocketChannel listener, Duration limit) throws QmpException {
        Path socket = Path.of("");
        try {
            socket = Path.of(String.valueOf(listener.getLocalAddress()));
            SocketChannel channel = listener.accept();
            return channel == null ? null : greeted(channel, socket, limit);
        } catch (QmpException e) {
            throw e;
        } catch (IOException e) {
            throw lost(socket, e);
        }
    }

    private static QmpException lost(Path socket, IOException e) {
        return QmpException.lost("no QMP at " + Quoted.of(socket.toString()) + ": " + e.getMessage());
    }

    /** Closes the channel if it fails. */
    private static Qmp greeted(SocketChannel channel, Path socket, Duration limit) throws IOException {
        try {
            channel.configureBlocking(false);
            Qmp qmp = new Qmp(socket, limit, channel, Selector.open());
            try {
                channel.register(qmp.selector, SelectionKey.OP_READ);
                if (!qmp.message(System.nanoTime() + limit.toNanos()).containsKey("QMP")) {
                    throw QmpException.lost("what answers at " + Quoted.of(socket.toString()) + " does not speak QMP");
                }
                qmp.execute("qmp_capabilities", Map.of());
                return qmp;
            } catch (IOException | RuntimeException e) {
                qmp.selector.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Executes a command without arguments. */
    public Object execute(String command) throws QmpException {
        return execute(command, Map.of());
    }

    /**
     * Executes a command and waits for its answer.
     *
     * @param arguments as JSON has them: maps, lists, strings, numbers, truths
     * @return what the command gives: a map, which is empty for most, a list or a single value
     */
    public Object execute(String command, Map<String, ?> arguments) throws QmpException {
        long end = System.nanoTime() + limit.toNanos();
        try {
            String id = UUID.randomUUID().toString();
            send(JSON.std.asBytes(Map.of("execute", command, "arguments", arguments, "id", id)), end);
            while (true) {
                Map<String, Object> message = message(end);
                // QEMU gives the answer to a command of a client that has gone to the next one.
                if (id.equals(message.get("id"))) {
                    if (message.get("error") instanceof Map<?, ?> error) {
                        throw QmpException.refused(command, String.valueOf(error.get("desc")));
                    }
                    return Objects.requireNonNull(message.get("return"), "an answer without an error");
                }
                remember(message);
            }
        } catch (QmpException e) {
            if (e.isLost()) {
                close();
            }
            throw e;
        } catch (IOException e) {
            close();
            throw QmpException.lost("QMP at " + Quoted.of(socket.toString()) + ": " + e.getMessage());
        }
    }

    /** The same for a command that gives a list of objects. */
    public List<Map<?, ?>> list(String command) throws QmpException {
        return objects(execute(command));
    }

    /** The objects of a list, as far as they are some. */
    public static List<Map<?, ?>> objects(@Nullable Object list) {
        return list instanceof List<?> items
                ? items.stream()
                        .<Map<?, ?>>mapMulti((item, out) -> {
                            if (item instanceof Map<?, ?> map) {
                                out.accept(map);
                            }
                        })
                        .toList()
                : List.of();
    }

    /**
     * Waits for an event that has come since the connection was made and was not waited for yet.
     *
     * @param name for instance {@code BLOCK_EXPORT_DELETED}
     * @param wanted which of these, by its data
     */
    public Map<?, ?> await(String name, Predicate<Map<?, ?>> wanted) throws QmpException {
        long end = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                for (Iterator<Map<String, Object>> kept = events.iterator(); kept.hasNext(); ) {
                    Map<String, Object> event = kept.next();
                    Map<?, ?> data = event.get("data") instanceof Map<?, ?> map ? map : Map.of();
                    if (name.equals(event.get("event")) && wanted.test(data)) {
                        kept.remove();
                        return data;
                    }
                }
                remember(message(end));
            }
        } catch (QmpException e) {
            close();
            throw e;
        } catch (IOException e) {
            close();
            throw QmpException.lost("QMP at " + Quoted.of(socket.toString()) + ": " + e.getMessage());
        }
    }

    private void remember(Map<String, Object> message) {
        if (message.containsKey("event")) {
            if (events.size() == MOST_EVENTS) {
                events.removeFirst();
            }
            events.addLast(message);
        }
    }

    private void send(byte[] message, long end) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(message.length + 1)
                .put(message)
                .put((byte) '\n')
                .flip();
        SelectionKey key = channel.keyFor(selector);
        if (key == null || !key.isValid()) {
            throw QmpException.lost("the QMP connection to " + Quoted.of(socket.toString()) + " has ended");
        }
        while (out.hasRemaining()) {
            if (channel.write(out) == 0) {
                key.interestOps(SelectionKey.OP_WRITE);
                select(end);
                key.interestOps(SelectionKey.OP_READ);
            }
        }
    }

    /** The next message; each is one line. */
    private Map<String, Object> message(long end) throws IOException {
        int looked = 0;
        while (true) {
            for (; looked < buffer.remaining(); looked++) {
                if (buffer.get(buffer.position() + looked) == '\n') {
                    byte[] line = new byte[looked];
                    buffer.get(line).get();
                    return object(line);
                }
            }
            fill(end);
        }
    }

    private Map<String, Object> object(byte[] line) throws QmpException {
        try {
            return new LinkedHashMap<>(JSON.std.mapFrom(line));
        } catch (IOException e) {
            throw QmpException.lost("what " + Quoted.of(socket.toString()) + " says is no QMP: "
                    + Quoted.of(new String(line, 0, Math.min(line.length, 100), StandardCharsets.UTF_8)));
        }
    }

    private void fill(long end) throws IOException {
        if (buffer.remaining() >= LONGEST_MESSAGE) {
            throw QmpException.lost("a QMP message of more than " + LONGEST_MESSAGE + " bytes");
        }
        buffer = buffer.remaining() == buffer.capacity()
                ? ByteBuffer.allocate(2 * buffer.capacity()).put(buffer)
                : buffer.compact();
        try {
            int read = channel.read(buffer);
            while (read == 0) {
                select(end);
                read = channel.read(buffer);
            }
            if (read < 0) {
                throw QmpException.lost("QEMU closed the QMP connection at " + Quoted.of(socket.toString()));
            }
        } finally {
            buffer.flip();
        }
    }

    private void select(long end) throws IOException {
        long left = Duration.ofNanos(end - System.nanoTime()).toMillis();
        if (left <= 0) {
            throw QmpException.lost("no QMP answer from " + Quoted.of(socket.toString()) + " within "
                    + limit.toSeconds() + " seconds; another program may be connected to it");
        }
        selector.select(left);
        selector.selectedKeys().clear();
        if (Thread.currentThread().isInterrupted()) {
            throw QmpException.lost("waiting for QMP at " + Quoted.of(socket.toString()) + " was interrupted");
        }
    }

    @Override
    public void close() {
        try {
            selector.close();
            channel.close();
        } catch (IOException e) {
            // nothing is lost with a connection that is given up
        }
    }
}
