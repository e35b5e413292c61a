package dev.tenon.core.backup.repository;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Marks that somebody works in the repository: a directory, which also holds what its owner writes until it is published.
 * Whoever takes the owner for dead moves the directory away first. Then the owner has nothing left to rename, so one that
 * wakes up late publishes nothing.
 */
final class Lease implements AutoCloseable {
    /** What its owner does. */
    enum Kind {
        WRITE,
        READ
    }

    private static final Logger LOG = LoggerFactory.getLogger(Lease.class);
    private static final Duration RENEWAL = Duration.ofSeconds(20);
    private static final AtomicLong COUNT = new AtomicLong();
    private static final String STATE = "state";

    private final Path directory;
    private final Kind kind;
    private final Duration pause;
    private final Thread renewal;
    private long beats;
    private volatile boolean isBehind;
    private boolean isClosed;

    private Lease(Path directory, Kind kind, Duration pause) {
        this.directory = directory;
        this.kind = kind;
        this.pause = pause;
        this.renewal = Thread.ofPlatform()
                .daemon()
                .name("lease " + directory.getFileName())
                .unstarted(this::renew);
    }

    /** Takes a lease. Everybody who looks from now on sees it. */
    static Lease take(Layout layout, Kind kind) throws IOException {
        return take(layout, kind, RENEWAL);
    }

    /**
     * The same, with another time between renewals.
     *
     * @param pause how long it says the same
     */
    static Lease take(Layout layout, Kind kind, Duration pause) throws IOException {
        layout.requirePresent();
        Path directory = layout.leases().resolve(ProcessIdentity.own() + "." + COUNT.incrementAndGet());
        Lease lease = new Lease(directory, kind, pause);
        try {
            Layout.makeDirectory(directory);
            lease.beat();
        } catch (IOException e) {
            lease.isClosed = true;
            try {
                remove(directory);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            if (kind == Kind.WRITE || !isUnwritable(e)) {
                throw e;
            }
            // A full disk, or one that is only read, must not keep anybody from a restore. What it reads is checked
            // anyway.
            LOG.warn("the repository cannot be written to, so nobody will wait for this reading: {}", e.toString());
            return lease;
        }
        lease.renewal.start();
        return lease;
    }

    /** Whether the place is full or only read; any other failure may pass, or is that of the storage. */
    private static boolean isUnwritable(IOException failure) {
        return failure instanceof AccessDeniedException
                || Spare.isFull(failure)
                || Failures.reason(failure).contains("Read-only file system");
    }

    /** Whether it could not be renewed when that was last tried. */
    boolean isBehind() {
        return isBehind;
    }

    /** Whether somebody took its owner for dead. */
    boolean isLost() {
        return !Files.isDirectory(directory);
    }

    /**
     * Refuses to make anything for an owner that was taken for dead, or in a repository that has gone.
     *
     * @throws NoSuchFileException if it is lost
     */
    void requireHeld() throws NoSuchFileException {
        if (isLost()) {
            throw new NoSuchFileException(directory.toString());
        }
    }

    /** A file of its owner's, which goes with the lease. */
    Path file(String name) {
        return directory.resolve(name);
    }

    private synchronized void beat() throws IOException {
        if (!isClosed) {
            beats++;
            Layout.publish(directory.resolve(STATE), (kind + " " + beats + "\n").getBytes(StandardCharsets.US_ASCII));
        }
    }

    private void renew() {
        try {
            while (!Thread.interrupted()) {
                Thread.sleep(pause);
                try {
                    beat();
                    isBehind = false;
                } catch (IOException e) {
                    if (!isBehind) {
                        LOG.warn(
                                "the lease '{}' cannot be renewed, so what is written under it may not be published: {}",
                                directory,
                                e.toString());
                    }
                    isBehind = true;
                    if (isLost()) {
                        return;
                    }
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    /** The content of another lease, which changes as long as its owner lives. Empty if it is gone. */
    static Optional<String> state(Path directory) throws IOException {
        try {
            return Optional.of(Files.readString(directory.resolve(STATE), StandardCharsets.US_ASCII));
        } catch (NoSuchFileException e) {
            // It is being made, or gone.
            return Files.isDirectory(directory) ? Optional.of("") : Optional.empty();
        }
    }

    static boolean isOfReader(String state) {
        return state.startsWith(Kind.READ.name());
    }

    /**
     * Whether the owner is known to be dead: it was a process of this boot of this machine and has ended. Another machine may
     * have the same name.
     */
    static boolean isOwnerGone(Path directory) {
        String name = directory.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0
                && ProcessIdentity.parse(name.substring(0, dot))
                        .map(owner -> owner.boot().equals(ProcessIdentity.own().boot()) && owner.hasEnded())
                        .orElse(false);
    }

    /** Whether somebody began to end it. */
    static boolean isRevoked(Path directory) {
        return directory.getFileName().toString().startsWith(".");
    }

    /** Ends the lease of a dead owner. If the owner lives after all, it can publish nothing any more. */
    static void revoke(Path directory) throws IOException {
        if (isRevoked(directory)) {
            remove(directory);
            return;
        }
        Path aside = directory.resolveSibling("." + directory.getFileName());
        try {
            Layout.move(directory, aside);
        } catch (NoSuchFileException e) {
            // Its owner gave it back.
            return;
        }
        remove(aside);
    }

    private static void remove(Path directory) throws IOException {
        for (Path file : Layout.entries(directory)) {
            Files.deleteIfExists(file);
        }
        Files.deleteIfExists(directory);
    }

    /** Gives it back; what was not published is removed. */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (isClosed) {
                return;
            }
            isClosed = true;
        }
        renewal.interrupt();
        remove(directory);
    }
}
