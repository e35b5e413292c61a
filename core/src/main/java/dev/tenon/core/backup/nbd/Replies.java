package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The answers of one connection. One of the threads that wait reads for all, until its own answer has come; then another
 * one does. So a single caller needs no second thread, and many need no queue.
 */
final class Replies {
    private static final int LONGEST_MESSAGE = 4096;
    private static final ByteBuffer NOTHING =
            ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

    private final Inbound in;
    private final Mode mode;
    private final int contextId;
    private final AtomicLong cookies = new AtomicLong();
    private final Map<Long, Pending> pending = new ConcurrentHashMap<>();
    private final ReentrantLock reading = new ReentrantLock();
    private volatile @Nullable NbdException broken;

    Replies(Inbound in, Mode mode, int contextId) {
        this.in = in;
        this.mode = mode;
        this.contextId = contextId;
    }

    /** Announces a request; its cookie goes into its header. */
    long expect(Pending request) throws NbdException {
        long cookie = cookies.incrementAndGet();
        pending.put(cookie, request);
        NbdException end = broken;
        if (end != null) {
            pending.remove(cookie);
            throw again(end);
        }
        return cookie;
    }

    /** Waits for the whole answer. */
    void await(Pending request) throws NbdException {
        while (!request.isDone) {
            if (!mayRead()) {
                LockSupport.park(this);
                if (!request.isDone && Thread.currentThread().isInterrupted()) {
                    // As if this thread were the one that reads: it would wait for ever else, and spin.
                    var _ = fail(new ClosedByInterruptException());
                    in.close();
                }
                continue;
            }
            try {
                while (!request.isDone && broken == null) {
                    take();
                }
            } catch (IOException e) {
                var _ = fail(e);
            } finally {
                reading.unlock();
                wakeNext();
            }
            if (!request.isDone) {
                throw again(broken);
            }
        }
        NbdException refusal = request.refusal;
        if (refusal != null) {
            throw refusal;
        }
    }

    /** Whoever reads may still be filling a buffer of this thread, even if nothing more will come. */
    private boolean mayRead() {
        if (broken == null) {
            return reading.tryLock();
        }
        reading.lock();
        return true;
    }

    private void wakeNext() {
        Iterator<Pending> waiting = pending.values().iterator();
        if (waiting.hasNext()) {
            LockSupport.unpark(waiting.next().thread);
        }
    }

    /** Ends all that is under way with one reason. */
    NbdException fail(IOException why) {
        NbdException first = broken;
        if (first == null) {
            first = why instanceof NbdException known
                    ? known
                    : new NbdException("the connection to the NBD server was lost: " + why.getMessage(), why);
            broken = first;
        }
        pending.values().forEach(request -> LockSupport.unpark(request.thread));
        return again(first);
    }

    /** A stack trace of its own for every caller. */
    private static NbdException again(@Nullable NbdException why) {
        NbdException copy =
                NbdException.lost(why == null ? "the connection was lost" : String.valueOf(why.getMessage()));
        if (why != null) {
            copy.initCause(why);
        }
        return copy;
    }

    private void take() throws IOException {
        int magic = in.int32();
        if (magic == Nbd.SIMPLE_REPLY_MAGIC && mode != Mode.EXTENDED) {
            takeSimple();
        } else if (magic == Nbd.STRUCTURED_REPLY_MAGIC && mode == Mode.STRUCTURED) {
            int flags = in.uint16();
            int type = in.uint16();
            long cookie = in.int64();
            takeChunk(of(cookie), cookie, flags, type, Integer.toUnsignedLong(in.int32()));
        } else if (magic == Nbd.EXTENDED_REPLY_MAGIC && mode == Mode.EXTENDED) {
            int flags = in.uint16();
            int type = in.uint16();
            long cookie = in.int64();
            Pending request = of(cookie);
            long offset = in.int64();
            if (offset != request.offset) {
                throw NbdException.lost("the server answers a " + request.what + " for offset " + offset);
            }
            takeChunk(request, cookie, flags, type, in.int64());
        } else {
            throw NbdException.lost(
                    "a reply begins with " + Integer.toHexString(magic) + ", which is not of the protocol");
        }
    }

    private Pending of(long cookie) throws NbdException {
        Pending request = pending.get(cookie);
        if (request == null) {
            throw NbdException.lost("the server answers a request with the cookie " + cookie + ", which nobody made");
        }
        return request;
    }

    private void takeSimple() throws IOException {
        int error = in.int32();
        long cookie = in.int64();
        Pending request = of(cookie);
        boolean wantsChunks = request.extents != null || (request.into != null && mode != Mode.SIMPLE);
        if (error == 0 && wantsChunks) {
            throw NbdException.lost("the server answers a " + request.what + " without chunks");
        }
        if (error != 0) {
            request.refuse(refused(request, error, ""));
        } else if (request.into != null) {
            in.into(request.slice(request.into, request.offset, request.length));
            request.take(request.offset, request.length);
        }
        finish(request, cookie);
    }

    private void finish(Pending request, long cookie) throws NbdException {
        if (request.refusal == null && !request.isWhole()) {
            throw NbdException.lost("the server ends a " + request.what + " before all of it has come");
        }
        pending.remove(cookie);
        request.isDone = true;
        LockSupport.unpark(request.thread);
    }

    private void takeChunk(Pending request, long cookie, int flags, int type, long length) throws IOException {
        switch (type) {
            case Nbd.CHUNK_NONE -> {
                if (length != 0 || (flags & Nbd.CHUNK_DONE) == 0) {
                    throw odd(request, type, length);
                }
            }
            case Nbd.CHUNK_DATA -> takeData(request, length);
            case Nbd.CHUNK_HOLE -> takeHole(request, length);
            case Nbd.CHUNK_BLOCK_STATUS, Nbd.CHUNK_BLOCK_STATUS_EXTENDED -> takeStatus(request, type, length);
            default -> {
                if ((type & 0x8000) == 0) {
                    throw odd(request, type, length);
                }
                takeError(request, type, length);
            }
        }
        if ((flags & Nbd.CHUNK_DONE) != 0) {
            finish(request, cookie);
        }
    }

    private static NbdException odd(Pending request, int type, long length) {
        return NbdException.lost("the server answers a " + request.what + " with a chunk of type " + type + " and "
                + Long.toUnsignedString(length) + " bytes");
    }

    private void takeData(Pending request, long length) throws IOException {
        ByteBuffer into = request.into;
        if (into == null || length <= Long.BYTES || length - Long.BYTES > request.length) {
            throw odd(request, Nbd.CHUNK_DATA, length);
        }
        long from = in.int64();
        if (!request.take(from, length - Long.BYTES)) {
            throw NbdException.lost("the server answers a " + request.what + " with data for " + from);
        }
        in.into(request.slice(into, from, length - Long.BYTES));
    }

    private void takeHole(Pending request, long length) throws IOException {
        ByteBuffer into = request.into;
        if (into == null || length != Long.BYTES + Integer.BYTES) {
            throw odd(request, Nbd.CHUNK_HOLE, length);
        }
        long from = in.int64();
        long bytes = Integer.toUnsignedLong(in.int32());
        if (!request.take(from, bytes)) {
            throw NbdException.lost("the server answers a " + request.what + " with a hole at " + from);
        }
        ByteBuffer hole = request.slice(into, from, bytes);
        while (hole.hasRemaining()) {
            hole.put(NOTHING.slice(0, Math.min(NOTHING.capacity(), hole.remaining())));
        }
    }

    private void takeStatus(Pending request, int type, long length) throws IOException {
        List<Extent> extents = request.extents;
        boolean isWide = type == Nbd.CHUNK_BLOCK_STATUS_EXTENDED;
        int head = isWide ? 2 * Integer.BYTES : Integer.BYTES;
        int each = isWide ? 2 * Long.BYTES : 2 * Integer.BYTES;
        if (extents == null
                || isWide != (mode == Mode.EXTENDED)
                || length < head + each
                || (length - head) % each != 0
                || length > Nbd.LONGEST_PAYLOAD) {
            throw odd(request, type, length);
        }
        int context = in.int32();
        if (isWide) {
            in.int32();
        }
        List<Extent> told = new ArrayList<>();
        long at = request.offset;
        long end = request.offset + request.length;
        for (long i = (length - head) / each; i > 0; i--) {
            long bytes = isWide ? in.int64() : Integer.toUnsignedLong(in.int32());
            long flags = isWide ? in.int64() : Integer.toUnsignedLong(in.int32());
            if (bytes < 1) {
                throw NbdException.lost("the server tells an extent of " + bytes + " bytes at " + at);
            }
            if (at < end) {
                long inside = Math.min(bytes, end - at);
                told.add(new Extent(at, inside, flags));
                at += inside;
            }
        }
        if (context == contextId && extents.isEmpty()) {
            extents.addAll(told);
        }
    }

    private void takeError(Pending request, int type, long length) throws IOException {
        int head = Integer.BYTES + Short.BYTES;
        if (length < head || length > head + LONGEST_MESSAGE + Long.BYTES) {
            throw odd(request, type, length);
        }
        int error = in.int32();
        int words = in.uint16();
        if (words > length - head) {
            throw odd(request, type, length);
        }
        ByteBuffer text = ByteBuffer.allocate(words);
        in.into(text);
        in.skip(length - head - words);
        request.refuse(refused(
                request, error, StandardCharsets.UTF_8.decode(text.flip()).toString()));
    }

    private static NbdException refused(Pending request, int error, String words) {
        NbdError kind = NbdError.of(error);
        return new NbdException(
                kind,
                request.what + ": the server refuses it with " + kind
                        + (words.isEmpty() ? "" : " (" + words.strip() + ")"));
    }
}
