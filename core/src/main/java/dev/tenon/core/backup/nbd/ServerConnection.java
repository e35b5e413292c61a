package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client after its handshake. Whichever thread reads a request hands reading on to another and answers it itself, so
 * that requests run side by side and answers come as they are ready. The threads are platform threads, because reading a
 * file may block its thread.
 */
final class ServerConnection {
    private static final Logger LOG = LoggerFactory.getLogger(ServerConnection.class);
    private static final int MOST_AT_ONCE = 16;
    private static final int MOST_EXTENTS = 4096;

    private final SocketChannel channel;
    private final Inbound in;
    private final Outbound out;
    private final ServedDisk disk;
    private final Mode mode;
    private final Map<Integer, BlockMap> contexts;
    private final Executor threads;
    private final Buffers buffers;
    private final Runnable atEnd;
    private final ReentrantLock reading = new ReentrantLock();
    private final AtomicInteger atWork = new AtomicInteger();

    // guarded by reading
    private boolean isOver;

    private record Request(
            int flags,
            int command,
            long cookie,
            long offset,
            long length,
            @Nullable ByteBuffer payload) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }

        long end() {
            return offset + length;
        }
    }

    ServerConnection(
            SocketChannel channel,
            Inbound in,
            Outbound out,
            ServerHandshake.Agreed agreed,
            Executor threads,
            Buffers buffers,
            Runnable atEnd) {
        this.channel = channel;
        this.in = in;
        this.out = out;
        this.disk = agreed.disk();
        this.mode = agreed.mode();
        this.contexts = agreed.contexts();
        this.threads = threads;
        this.buffers = buffers;
        this.atEnd = atEnd;
    }

    /** Serves with this thread, and with others as they are needed; the last one that ends closes the connection. */
    void serve() {
        atWork.incrementAndGet();
        work();
    }

    private void work() {
        try {
            while (true) {
                Request request = next();
                if (request == null) {
                    return;
                }
                if (!reading.hasQueuedThreads() && atWork.get() < MOST_AT_ONCE) {
                    atWork.incrementAndGet();
                    threads.execute(this::work);
                }
                answer(request);
            }
        } catch (IOException e) {
            LOG.debug("event=nbd-connection-lost reason=\"{}\"", e.getMessage());
            close();
        } catch (RuntimeException e) {
            LOG.error("event=nbd-connection-failed", e);
            close();
        } finally {
            if (atWork.decrementAndGet() == 0) {
                close();
                atEnd.run();
            }
        }
    }

    private void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("event=nbd-close-failed reason=\"{}\"", e.getMessage());
        }
    }

    /** The next request, null after the last one. */
    private @Nullable Request next() throws IOException {
        reading.lock();
        try {
            Request request = isOver || in.isAtEnd() ? null : read();
            isOver = request == null;
            return request;
        } catch (IOException | RuntimeException e) {
            isOver = true;
            throw e;
        } finally {
            reading.unlock();
        }
    }

    private @Nullable Request read() throws IOException {
        int magic = in.int32();
        if (magic != (mode == Mode.EXTENDED ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC)) {
            throw NbdException.lost("a request begins with " + Integer.toHexString(magic));
        }
        int flags = in.uint16();
        int command = in.uint16();
        long cookie = in.int64();
        long offset = in.int64();
        long length = mode == Mode.EXTENDED ? in.int64() : Integer.toUnsignedLong(in.int32());
        if (command == Nbd.CMD_DISC) {
            return null;
        }
        // A payload that nobody wants is read, too: the next request comes behind it.
        boolean hasPayload =
                command == Nbd.CMD_WRITE || ((flags & Nbd.FLAG_PAYLOAD_LENGTH) != 0 && mode == Mode.EXTENDED);
        if (!hasPayload) {
            return new Request(flags, command, cookie, offset, length, null);
        }
        if (length < 0 || length > Nbd.LONGEST_PAYLOAD) {
            throw NbdException.lost("a request announces " + Long.toUnsignedString(length) + " bytes");
        }
        ByteBuffer payload = buffers.take((int) length);
        in.into(payload);
        return new Request(flags, command, cookie, offset, length, payload.flip());
    }

    private void answer(Request request) throws IOException {
        try {
            check(request);
            switch (request.command()) {
                case Nbd.CMD_READ -> answerRead(request);
                case Nbd.CMD_BLOCK_STATUS -> answerStatus(request);
                default -> {
                    change(request);
                    sendDone(request);
                }
            }
        } catch (Refusal e) {
            sendError(request, e.error, String.valueOf(e.getMessage()));
        } finally {
            if (request.payload() != null) {
                buffers.giveBack(request.payload());
            }
        }
    }

    /** An error that the client is told, unlike a lost connection. */
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;
        private final NbdError error;

        Refusal(NbdError error, String message) {
            super(message);
            this.error = error;
        }

        static Refusal of(IOException failure) {
            NbdError error = failure instanceof NbdException known && known.error() != NbdError.CONNECTION_LOST
                    ? known.error()
                    : NbdError.IO;
            boolean isFull = String.valueOf(failure.getMessage()).contains("No space left on device");
            return new Refusal(isFull ? NbdError.NO_SPACE : error, String.valueOf(failure.getMessage()));
        }
    }

    private void check(Request request) throws Refusal {
        int command = request.command();
        boolean changes = command == Nbd.CMD_WRITE || command == Nbd.CMD_TRIM || command == Nbd.CMD_WRITE_ZEROES;
        if (command > Nbd.CMD_BLOCK_STATUS) {
            throw new Refusal(NbdError.INVALID, "there is no command " + command);
        }
        if (request.has(Nbd.FLAG_PAYLOAD_LENGTH) && command != Nbd.CMD_WRITE) {
            // Its length is not that of a part of the disk.
            throw new Refusal(NbdError.INVALID, "command " + command + " takes no payload here");
        }
        if (changes && !disk.isWritable()) {
            throw new Refusal(NbdError.NOT_PERMITTED, "the disk is read-only");
        }
        if (command == Nbd.CMD_FLUSH) {
            return;
        }
        long length = request.length();
        if (length < 1 || request.offset() < 0 || length > disk.size() || request.offset() > disk.size() - length) {
            boolean isFull = command == Nbd.CMD_WRITE || command == Nbd.CMD_WRITE_ZEROES;
            throw new Refusal(
                    isFull && length > 0 ? NbdError.NO_SPACE : NbdError.INVALID,
                    Long.toUnsignedString(length) + " bytes at " + Long.toUnsignedString(request.offset())
                            + " are not inside of the disk of " + disk.size());
        }
        if (command == Nbd.CMD_READ && length > Nbd.LONGEST_PAYLOAD) {
            throw new Refusal(NbdError.OVERFLOW, "a read has at most " + Nbd.LONGEST_PAYLOAD + " bytes, not " + length);
        }
    }

    private void change(Request request) throws Refusal {
        ByteBuffer payload = request.payload();
        try {
            switch (request.command()) {
                case Nbd.CMD_WRITE -> {
                    if (payload == null) {
                        throw new Refusal(NbdError.INVALID, "a write without its data");
                    }
                    disk.write(request.offset(), payload);
                }
                case Nbd.CMD_WRITE_ZEROES -> {
                    if (request.has(Nbd.FLAG_FAST_ZERO)) {
                        throw new Refusal(NbdError.NOT_SUPPORTED, "whether zeroes are fast is not known here");
                    }
                    disk.zero(request.offset(), request.length(), !request.has(Nbd.FLAG_NO_HOLE));
                }
                case Nbd.CMD_TRIM -> disk.trim(request.offset(), request.length());
                case Nbd.CMD_FLUSH -> disk.flush();
                case Nbd.CMD_CACHE -> {}
                default -> throw new IllegalStateException("command " + request.command());
            }
            if (request.has(Nbd.FLAG_FUA) && request.command() != Nbd.CMD_CACHE) {
                disk.flush();
            }
        } catch (IOException e) {
            throw Refusal.of(e);
        }
    }

    // ---- reads

    private void answerRead(Request request) throws IOException, Refusal {
        if (mode == Mode.SIMPLE) {
            sendData(simpleHeader(request, 0), request.offset(), request.length());
            return;
        }
        boolean isWhole = request.has(Nbd.FLAG_DF);
        BlockMap allocation = isWhole ? null : disk.contexts().get(Extent.ALLOCATION);
        long at = request.offset();
        while (at < request.end()) {
            Extent part = allocation == null
                    ? new Extent(at, request.end() - at, 0)
                    : map(allocation, at, request.end() - at, 1).getFirst();
            if (!isWhole && disk.file() == null && !part.has(Extent.ZERO) && part.length() > Buffers.PIECE) {
                part = new Extent(at, Buffers.PIECE, 0);
            }
            boolean isLast = part.end() == request.end();
            ByteBuffer header = chunkHeader(
                    request,
                    isLast,
                    part.has(Extent.ZERO) ? Nbd.CHUNK_HOLE : Nbd.CHUNK_DATA,
                    Long.BYTES + (part.has(Extent.ZERO) ? Integer.BYTES : part.length()),
                    Long.BYTES + Integer.BYTES);
            header.putLong(at);
            if (part.has(Extent.ZERO)) {
                out.send(header.putInt((int) part.length()).flip());
            } else {
                sendData(header.flip(), at, part.length());
            }
            at = part.end();
        }
    }

    /** The kernel sends what lies in a file; other data is read first, so that a failure can still be told. */
    private void sendData(ByteBuffer header, long offset, long length) throws IOException, Refusal {
        FileChannel file = disk.file();
        if (file != null) {
            out.send(header, file, offset, length);
            return;
        }
        ByteBuffer data = buffers.take((int) length);
        try {
            try {
                disk.read(offset, data);
            } catch (IOException e) {
                throw Refusal.of(e);
            }
            out.send(header, data.flip());
        } finally {
            buffers.giveBack(data);
        }
    }

    // ---- block status

    private static List<Extent> map(BlockMap map, long offset, long length, int most) throws Refusal {
        try {
            return map.extents(offset, length, most);
        } catch (IOException e) {
            throw Refusal.of(e);
        }
    }

    private void answerStatus(Request request) throws IOException, Refusal {
        if (contexts.isEmpty() || mode == Mode.SIMPLE) {
            throw new Refusal(NbdError.INVALID, "no context was chosen for this connection");
        }
        int most = request.has(Nbd.FLAG_REQ_ONE) ? 1 : MOST_EXTENTS;
        // All are asked before anything is sent: an error after a chunk would put the client out of step.
        List<Map.Entry<Integer, List<Extent>>> answers = new ArrayList<>();
        for (Map.Entry<Integer, BlockMap> context : contexts.entrySet()) {
            answers.add(Map.entry(context.getKey(), map(context.getValue(), request.offset(), request.length(), most)));
        }
        for (int i = 0; i < answers.size(); i++) {
            sendStatus(
                    request,
                    i == answers.size() - 1,
                    answers.get(i).getKey(),
                    answers.get(i).getValue());
        }
    }

    private void sendStatus(Request request, boolean isLast, int context, List<Extent> extents) throws IOException {
        boolean isWide = mode == Mode.EXTENDED;
        int size = isWide
                ? 2 * Integer.BYTES + extents.size() * 2 * Long.BYTES
                : Integer.BYTES + extents.size() * 2 * Integer.BYTES;
        ByteBuffer message = chunkHeader(
                        request, isLast, isWide ? Nbd.CHUNK_BLOCK_STATUS_EXTENDED : Nbd.CHUNK_BLOCK_STATUS, size, size)
                .putInt(context);
        if (isWide) {
            message.putInt(extents.size());
        }
        for (Extent extent : extents) {
            if (isWide) {
                message.putLong(extent.length()).putLong(extent.flags());
            } else {
                message.putInt((int) extent.length()).putInt((int) extent.flags());
            }
        }
        out.send(message.flip());
    }

    // ---- frames

    private ByteBuffer simpleHeader(Request request, int error) {
        return ByteBuffer.allocate(2 * Integer.BYTES + Long.BYTES)
                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                .putInt(error)
                .putLong(request.cookie())
                .flip();
    }

    /** A chunk's header, with room for so many bytes behind it. */
    private ByteBuffer chunkHeader(Request request, boolean isLast, int type, long length, int room) {
        ByteBuffer header = ByteBuffer.allocate(4 * Integer.BYTES + 2 * Long.BYTES + room)
                .putInt(mode == Mode.EXTENDED ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC)
                .putShort((short) (isLast ? Nbd.CHUNK_DONE : 0))
                .putShort((short) type)
                .putLong(request.cookie());
        return mode == Mode.EXTENDED ? header.putLong(request.offset()).putLong(length) : header.putInt((int) length);
    }

    private void sendDone(Request request) throws IOException {
        out.send(
                mode == Mode.SIMPLE
                        ? simpleHeader(request, 0)
                        : chunkHeader(request, true, Nbd.CHUNK_NONE, 0, 0).flip());
    }

    private void sendError(Request request, NbdError error, String words) throws IOException {
        if (mode == Mode.SIMPLE) {
            out.send(simpleHeader(request, error.number()));
            return;
        }
        byte[] text = words.substring(0, Math.min(words.length(), 1000)).getBytes(StandardCharsets.UTF_8);
        int size = Integer.BYTES + Short.BYTES + text.length;
        out.send(chunkHeader(request, true, Nbd.CHUNK_ERROR, size, size)
                .putInt(error.number())
                .putShort((short) text.length)
                .put(text)
                .flip());
    }
}
