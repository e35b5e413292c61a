package dev.tenon.core.backup.nbd;

import dev.tenon.core.spi.Quoted;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One connection to an NBD server on a unix socket. Every method blocks until the server has answered; any number of
 * threads may call at once, each has its request under way, and answers come in the server's order. Offsets and lengths
 * are bytes, and multiples of the export's smallest block.
 *
 * <p>At most one metadata context is chosen for a connection. QEMU 7.2 mixes up its answer when two are asked for and one
 * of them fails; open one connection for each.
 *
 * <p>All methods throw {@link NbdException}: a refusal leaves the connection as it was. An interrupted thread closes the
 * connection for all, as the JDK's channels do.
 */
public final class NbdClient implements AutoCloseable {
    private final SocketChannel channel;
    private final Replies replies;
    private final ReentrantLock writing = new ReentrantLock();
    private final ByteBuffer header = ByteBuffer.allocateDirect(32);
    private final ExportInfo export;
    private final Mode mode;
    private final @Nullable String context;
    private volatile boolean keepsWhole;

    private NbdClient(SocketChannel channel, Inbound in, ClientHandshake.Agreed agreed, @Nullable String context) {
        this.channel = channel;
        this.export = agreed.export();
        this.mode = agreed.mode();
        this.context = context;
        this.keepsWhole = agreed.keepsWhole();
        this.replies = new Replies(in, agreed.mode(), agreed.contextId());
    }

    /**
     * Connects and chooses an export.
     *
     * @param socket the server's
     * @param name the export's, empty for the default one
     * @param context the metadata context to ask for extents, such as {@link Extent#ALLOCATION}; null for none
     * @param limit how long the server may take, which may be busy with another client
     * @throws NbdException {@code INVALID} if the server does not have the export, {@code NOT_SUPPORTED} if it does not have
     *     the context, {@code CONNECTION_LOST} if it does not answer in time or not by the protocol
     */
    public static NbdClient connect(Path socket, String name, @Nullable String context, Duration limit)
            throws NbdException {
        if (name.getBytes(StandardCharsets.UTF_8).length > Nbd.LONGEST_NAME) {
            throw new NbdException(
                    NbdError.INVALID,
                    "an export's name has at most " + Nbd.LONGEST_NAME + " bytes, not '" + name + "'");
        }
        SocketChannel channel;
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        } catch (IOException e) {
            throw new NbdException("no socket can be made: " + e.getMessage(), e);
        }
        CountDownLatch shaken = new CountDownLatch(1);
        AtomicBoolean isLate = new AtomicBoolean();
        Thread.ofPlatform().daemon().name("nbd-handshake").start(() -> closeAfter(limit, shaken, isLate, channel));
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            Inbound in = new Inbound(channel);
            return new NbdClient(channel, in, ClientHandshake.shake(in, channel, name, context), context);
        } catch (NbdException e) {
            closeQuietly(channel);
            throw e;
        } catch (IOException e) {
            closeQuietly(channel);
            throw new NbdException(
                    "the NBD server at " + Quoted.of(socket.toString())
                            + (isLate.get()
                                    ? " did not answer within " + limit.toMillis() + " ms"
                                    : ": " + e.getMessage()),
                    e);
        } catch (RuntimeException e) {
            closeQuietly(channel);
            throw e;
        } finally {
            shaken.countDown();
        }
    }

    private static void closeAfter(Duration limit, CountDownLatch done, AtomicBoolean isLate, SocketChannel channel) {
        try {
            if (!done.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                isLate.set(true);
                closeQuietly(channel);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // nothing is lost with a connection that is given up
        }
    }

    /** What the server says of the export. */
    public ExportInfo export() {
        return export;
    }

    /**
     * Fills the rest of a buffer with what is there from an offset on.
     *
     * @param into a direct one saves a copy; at most the export's largest payload. After a failure what it holds is not
     *     defined, and its position is where it was
     */
    public void read(long offset, ByteBuffer into) throws NbdException {
        read(0, offset, into);
    }

    /**
     * As {@link #read}, of what is known to be no hole: the server need not look for one. QEMU finds them by the file
     * system, once for each read, and its memory is given back and taken again each time it finds data elsewhere.
     */
    public void readData(long offset, ByteBuffer into) throws NbdException {
        if (keepsWhole) {
            try {
                read(Nbd.FLAG_DF, offset, into);
                return;
            } catch (NbdException e) {
                if (e.error() != NbdError.OVERFLOW) {
                    throw e;
                }
                // A server need not be able to send so much in one piece.
                keepsWhole = false;
            }
        }
        read(0, offset, into);
    }

    private void read(int flags, long offset, ByteBuffer into) throws NbdException {
        int length = into.remaining();
        check(offset, length, export.largestPayload());
        Pending pending = new Pending("read of " + length + " bytes at " + offset, offset, length, into, null);
        exchange(Nbd.CMD_READ, flags, offset, length, null, pending);
        into.position(into.limit());
    }

    /**
     * What the connection's context says of a part of the export: extents without a gap from the offset on. They may end
     * before the part does, since a server need not answer all at once, and never behind it; ask again from there.
     *
     * @param length at most 4 GiB less the smallest block where the server knows no longer ones
     */
    public List<Extent> extents(long offset, long length) throws NbdException {
        if (context == null) {
            throw new IllegalStateException("no context was chosen for this connection");
        }
        check(offset, length, Long.MAX_VALUE);
        long asked = Math.min(length, longestQuestion());
        List<Extent> found = new ArrayList<>();
        Pending pending = new Pending("block status of " + asked + " bytes at " + offset, offset, asked, null, found);
        exchange(Nbd.CMD_BLOCK_STATUS, 0, offset, asked, null, pending);
        if (found.isEmpty()) {
            throw lost("the server told nothing of '" + context + "' at " + offset);
        }
        return found;
    }

    /** Whether an extent that it told, without flags, is no hole. */
    public boolean tellsHoles() {
        return Extent.ALLOCATION.equals(context);
    }

    /** How much {@link #extents} can ask for at once. */
    long longestQuestion() {
        return mode == Mode.EXTENDED ? Long.MAX_VALUE : (1L << 32) - export.minimumBlock();
    }

    /** Writes the rest of a buffer; it is safe against a power cut after {@link #flush()} only. */
    public void write(long offset, ByteBuffer from) throws NbdException {
        int length = from.remaining();
        check(offset, length, export.largestPayload());
        Pending pending = new Pending("write of " + length + " bytes at " + offset, offset, length, null, null);
        exchange(Nbd.CMD_WRITE, 0, offset, length, from, pending);
    }

    /**
     * Makes a part read as zeroes.
     *
     * @param mayPunch whether it may become a hole
     */
    public void zero(long offset, long length, boolean mayPunch) throws NbdException {
        ranged(Nbd.CMD_WRITE_ZEROES, mayPunch ? 0 : Nbd.FLAG_NO_HOLE, offset, length, "zeroes");
    }

    /** Says that the data there is no longer needed. In a snapshot that QEMU serves it can never be read again. */
    public void trim(long offset, long length) throws NbdException {
        ranged(Nbd.CMD_TRIM, 0, offset, length, "trim");
    }

    private void ranged(int command, int flags, long offset, long length, String word) throws NbdException {
        check(offset, length, mode == Mode.EXTENDED ? Long.MAX_VALUE : (1L << 32) - 1);
        Pending pending = new Pending(word + " of " + length + " bytes at " + offset, offset, length, null, null);
        exchange(command, flags, offset, length, null, pending);
    }

    /** Waits until what was written is on the storage. */
    public void flush() throws NbdException {
        exchange(Nbd.CMD_FLUSH, 0, 0, 0, null, new Pending("flush", 0, 0, null, null));
    }

    private void check(long offset, long length, long longest) {
        if (offset < 0 || length < 1 || offset > export.size() - length) {
            throw new IllegalArgumentException(
                    length + " bytes at " + offset + " are not inside of an export of " + export.size());
        }
        if (length > longest) {
            throw new IllegalArgumentException(length + " bytes are more than the " + longest + " of one request");
        }
        if (((offset | length) & (export.minimumBlock() - 1)) != 0) {
            throw new IllegalArgumentException(
                    length + " bytes at " + offset + " are not in blocks of " + export.minimumBlock());
        }
    }

    private void exchange(
            int command, int flags, long offset, long length, @Nullable ByteBuffer payload, Pending pending)
            throws NbdException {
        long cookie = replies.expect(pending);
        try {
            send(command, flags, cookie, offset, length, payload);
        } catch (IOException e) {
            closeQuietly(channel);
            throw replies.fail(e);
        }
        replies.await(pending);
    }

    private void send(int command, int flags, long cookie, long offset, long length, @Nullable ByteBuffer payload)
            throws IOException {
        writing.lock();
        try {
            header.clear();
            if (mode == Mode.EXTENDED) {
                header.putInt(Nbd.EXTENDED_REQUEST_MAGIC)
                        .putShort((short) (payload == null ? flags : flags | Nbd.FLAG_PAYLOAD_LENGTH))
                        .putShort((short) command)
                        .putLong(cookie)
                        .putLong(offset)
                        .putLong(length);
            } else {
                header.putInt(Nbd.REQUEST_MAGIC)
                        .putShort((short) flags)
                        .putShort((short) command)
                        .putLong(cookie)
                        .putLong(offset)
                        .putInt((int) length);
            }
            header.flip();
            if (payload == null) {
                while (header.hasRemaining()) {
                    channel.write(header);
                }
            } else {
                ByteBuffer[] both = {header, payload};
                while (payload.hasRemaining()) {
                    channel.write(both);
                }
            }
        } finally {
            writing.unlock();
        }
    }

    private NbdException lost(String message) {
        closeQuietly(channel);
        return NbdException.lost("export '" + export.name() + "': " + message);
    }

    /** Takes leave and disconnects; requests that are under way fail. */
    @Override
    public void close() {
        try {
            send(Nbd.CMD_DISC, 0, 0, 0, 0, null);
        } catch (IOException e) {
            // the server is gone already
        }
        closeQuietly(channel);
    }
}
