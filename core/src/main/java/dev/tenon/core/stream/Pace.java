package dev.tenon.core.stream;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.image.RateLimit;
import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** How far a transfer has got, how fast it may go, and whether it goes on. One thread moves bytes, any may cancel. */
final class Pace {
    private static final int LOOK_MILLIS = 100;

    private final StreamSettings settings;
    private final RateLimit limit;
    private final @Nullable MessageDigest digest;
    private final AtomicLong moved = new AtomicLong();
    private volatile long total;
    private volatile boolean isWaiting;
    private volatile long waitingSince;
    private volatile long processEnded;
    private volatile @Nullable String cancelled;
    private volatile boolean hasProcessEnded;
    private volatile boolean isAtEnd;
    private @Nullable String sha256;

    Pace(StreamSettings settings) {
        this.settings = settings;
        this.limit = new RateLimit(settings.bytesPerSecond());
        this.digest = settings.checksum() ? sha256() : null;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How much the whole stream will be, 0 if that is not known. */
    void expect(long bytes) {
        total = bytes;
    }

    long expected() {
        return total;
    }

    long moved() {
        return moved.get();
    }

    boolean wantsChecksum() {
        return digest != null;
    }

    /** These bytes are part of the stream, in its order. */
    void digest(ByteBuffer bytes) {
        if (digest != null) {
            digest.update(bytes);
        }
    }

    /** How much may be moved at once. */
    long piece(long most) {
        return limit.piece(most);
    }

    /** So many bytes have moved; returns when more may, and fails if none may any more. */
    void advance(long bytes) {
        long all = moved.addAndGet(bytes);
        isWaiting = false;
        settings.progress().copied(all, total);
        limit.await(all, this::refuseCancelled);
        refuseCancelled();
    }

    /** The stream has come to its end. */
    void end() {
        isAtEnd = true;
        if (digest != null) {
            sha256 = HexFormat.of().formatHex(digest.digest());
        }
    }

    Transferred transferred() {
        return new Transferred(moved.get(), isAtEnd ? sha256 : null);
    }

    /** Waits for the other end of the stream. */
    void awaitPeer(DataFlow flow, Descriptor peer, DataFlow.Ready ready) throws IOException {
        await(flow, peer, ready, () -> {
            if (isStalled(Duration.ZERO)) {
                throw stalled();
            }
        });
    }

    /** Waits for a process of this node, which may take its time while it works. */
    void awaitProcess(DataFlow flow, Descriptor process, DataFlow.Ready ready) throws IOException {
        long begin = System.nanoTime();
        await(flow, process, ready, () -> {
            long since = Math.max(begin, processEnded);
            if (hasProcessEnded
                    && System.nanoTime() - since > settings.patience().toNanos()) {
                throw broken("a process that was left behind holds it open");
            }
            waitingSince = System.nanoTime();
        });
    }

    private void await(DataFlow flow, Descriptor descriptor, DataFlow.Ready ready, Runnable look) throws IOException {
        waiting();
        while (!flow.await(descriptor, ready, LOOK_MILLIS)) {
            refuseCancelled();
            look.run();
        }
        isWaiting = false;
    }

    /** From now on until the next {@link #advance} what happens is up to the other end. */
    void waiting() {
        waitingSince = System.nanoTime();
        isWaiting = true;
    }

    /** The process that is waited for has done its work. */
    void processEnded() {
        processEnded = System.nanoTime();
        hasProcessEnded = true;
    }

    boolean isStalled(Duration grace) {
        return isWaiting
                && System.nanoTime() - waitingSince
                        > settings.patience().plus(grace).toNanos();
    }

    /** The first reason stands. */
    void cancel(String why) {
        if (cancelled == null) {
            cancelled = why;
        }
    }

    boolean isCancelled() {
        return cancelled != null;
    }

    void refuseCancelled() {
        if (cancelled != null) {
            throw cancelled();
        }
    }

    StorageException cancelled() {
        return new StorageException(
                StorageError.CANCELLED, outcome(), settings.what() + " was cancelled " + position() + ": " + cancelled);
    }

    StorageException stalled() {
        return broken("the other end has not moved for " + settings.patience().toSeconds() + " s");
    }

    /** The other end broke the stream. */
    StorageException broken(String why) {
        return new StorageException(
                StorageError.STREAM_BROKEN, outcome(), settings.what() + " broke " + position() + ": " + why);
    }

    StorageException failed(IOException failure) {
        return Failures.of(failure, outcome(), settings.what() + " failed " + position());
    }

    /** The storage is unchanged, or its maker removes what was made. */
    private Outcome outcome() {
        return moved.get() == 0 ? Outcome.NOT_STARTED : Outcome.FAILED_CLEAN;
    }

    private String position() {
        return "after " + moved + (total > 0 ? " of " + total : "") + " bytes";
    }
}
