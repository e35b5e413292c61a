package dev.tenon.core.linux;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * A file that is opened to be locked with flock(2), as PVE's programs and flock(1) lock. The JDK's locks are of another
 * kind, which these programs do not see. The lock belongs to this object: two objects of one process exclude each other,
 * processes that are started do not inherit it, and it ends when it is closed or the process dies.
 */
public final class Flock implements AutoCloseable {
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final int LOCK_UN = 8;

    /** As PVE's own lock files, which are made with the usual umask. */
    private static final int MODE = 0644;

    private static final MethodHandle FLOCK = CLibrary.functionWithErrno(
            "flock", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final Descriptor descriptor;

    private Flock(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** Opens the file, which is made if it is missing and otherwise left as it is. Nothing is locked yet. */
    public static Flock open(Path file) throws IOException {
        return new Flock(Descriptor.open(file, Descriptor.WRITE_ONLY | Descriptor.APPEND | Descriptor.CREATE, MODE));
    }

    /** Locks the file exclusively if nobody has locked it; otherwise returns false at once. */
    public boolean tryLock() throws IOException {
        int errno = flock(LOCK_EX | LOCK_NB);
        return switch (errno) {
            case 0 -> true;
            case Errno.EAGAIN -> false;
            default -> throw Errno.toException(errno, descriptor.name(), null);
        };
    }

    /**
     * Locks the file exclusively and waits as long as it takes, in the kernel's own queue. Nothing ends the waiting
     * early, neither an interrupt nor {@link #close}, which must not be called meanwhile; and a virtual thread keeps its
     * carrier. So this is for a platform thread that may be left behind.
     */
    public void lock() throws IOException {
        int errno = flock(LOCK_EX);
        if (errno != 0) {
            throw Errno.toException(errno, descriptor.name(), null);
        }
    }

    private int flock(int operation) {
        int number = descriptor.number();
        return (int) -CLibrary.callAgain("flock", state -> (int) FLOCK.invokeExact(state, number, operation));
    }

    /** Unlocks and closes the file, which stays. Closing it again does nothing. */
    @Override
    public void close() {
        if (descriptor.isOpen()) {
            // Closing alone leaves the lock to a child that is between fork and exec.
            flock(LOCK_UN);
            descriptor.close();
        }
    }
}
