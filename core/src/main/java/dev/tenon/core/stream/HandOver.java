package dev.tenon.core.stream;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/**
 * Another process reads or writes a stream: it gets one end of a pipe, and what goes through the pipe is moved to or from
 * the descriptor of the stream. So the transfer is watched like any other, whoever makes it.
 */
final class HandOver {
    /** A process that has lost its pipe notices, and mostly says why. */
    private static final long PATIENCE_SECONDS = 2;

    private final Pace pace;
    private final Descriptor given;
    private final Descriptor own;
    private final Thread caller = Thread.currentThread();
    private final CountDownLatch returned = new CountDownLatch(1);
    private boolean isInterrupted;
    private volatile boolean hasFailed;
    private boolean failedFirst;

    private HandOver(Pace pace, Descriptor given, Descriptor own) {
        this.pace = pace;
        this.given = given;
        this.own = own;
    }

    /** Moves bytes from one descriptor to another up to the end. */
    interface Moving {
        void run(DataFlow flow, Descriptor pipe) throws IOException;
    }

    /** Lets another process write into the stream: {@code writer} gets the number of a pipe's end. */
    static void toPeer(Pace pace, Descriptor peer, IntFunction<?> writer) {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            HandOver handOver = new HandOver(pace, pipe.write(), pipe.read());
            Pump<?> pump = handOver.start(
                    peer,
                    (flow, end) -> new Relay(pace, flow).run(end, pace::awaitProcess, peer, pace::awaitPeer, false));
            handOver.letOther(writer, pump);
            // What it has written may still be in the pipe.
            pace.processEnded();
            pump.join();
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to make a pipe for a stream");
        }
    }

    /**
     * Lets another process read the stream: {@code reader} gets the number of a pipe's end.
     *
     * @param ending which is looked at, since the other process may take the end of the pipe for that of the stream
     */
    static <T> T fromPeer(Pace pace, Descriptor peer, Ending ending, IntFunction<T> reader) {
        try (Descriptor.Pipe pipe = Descriptor.pipe()) {
            HandOver handOver = new HandOver(pace, pipe.read(), pipe.write());
            Pump<?> pump = handOver.start(peer, (flow, end) -> move(pace, flow, peer, end, ending));
            T result = handOver.letOther(reader, pump);
            // It does not want what it has not read.
            pace.cancel("all that is wanted has been read");
            try {
                pump.join();
            } catch (StorageException e) {
                if (handOver.failedFirst) {
                    throw e;
                }
            }
            return result;
        } catch (StorageException e) {
            throw e.outcome() == Outcome.FAILED_CLEAN
                    ? new StorageException(e.error(), Outcome.UNKNOWN, e.getMessage(), e)
                    : e;
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to make a pipe for a stream");
        }
    }

    private static void move(Pace pace, DataFlow flow, Descriptor peer, Descriptor pipe, Ending ending)
            throws IOException {
        Relay relay = new Relay(pace, flow);
        long told = 0;
        if (ending == Ending.LENGTH) {
            ByteBuffer header = Header.read(pace, flow, peer);
            told = Long.BYTES + header.getLong(0);
            relay.write(header, pipe, pace::awaitProcess);
        }
        long zeroes = relay.run(peer, pace::awaitPeer, pipe, pace::awaitProcess, ending == Ending.ZEROES);
        if (ending == Ending.LENGTH && Ending.isTooShort(pace.moved() - Long.BYTES, told - Long.BYTES)) {
            throw pace.broken("it ended " + (told - pace.moved()) + " bytes too early");
        } else if (ending == Ending.ZEROES && !Ending.isArchiveEnd(zeroes)) {
            throw pace.broken("the archive ended too early");
        }
    }

    private Pump<?> start(Descriptor peer, Moving moving) {
        return Pump.start(pace, peer, new Pump.Work<>() {
            @Override
            public Boolean run(DataFlow flow) throws IOException {
                flow.enlarge(own);
                moving.run(flow, own);
                own.close();
                return true;
            }

            @Override
            public void failed() {
                // Before the pipe ends: the other process may take its end for that of the stream.
                hasFailed = true;
                own.close();
                interruptLate();
            }
        });
    }

    /** A process that goes on without its pipe is interrupted. */
    private void interruptLate() {
        try {
            if (returned.await(pace.isCancelled() ? 0 : PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            if (returned.getCount() > 0) {
                isInterrupted = true;
                caller.interrupt();
            }
        }
    }

    /** The one that failed first says why, and the other ends too. */
    private <T> T letOther(IntFunction<T> other, Pump<?> pump) {
        try {
            T result = other.apply(given.number());
            failedFirst = hasFailed;
            return result;
        } catch (RuntimeException | Error e) {
            failedFirst = hasFailed;
            returned();
            if (!failedFirst) {
                pace.cancel("the other process failed");
            }
            // Until then its thread uses the pipe, whose number may soon be another file's.
            try {
                pump.join();
            } catch (RuntimeException ended) {
                if (failedFirst) {
                    ended.addSuppressed(e);
                    throw ended;
                }
            }
            throw e;
        } finally {
            returned();
        }
    }

    private synchronized void returned() {
        returned.countDown();
        given.close();
        if (isInterrupted) {
            isInterrupted = false;
            Thread.interrupted();
        }
    }
}
