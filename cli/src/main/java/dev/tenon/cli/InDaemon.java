package dev.tenon.cli;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** That the daemon runs a command for another process, and whether it does what the command would do there. */
public final class InDaemon {
    private final Set<String> served;
    private final AtomicReference<@Nullable String> doubt = new AtomicReference<>();
    private final AtomicReference<@Nullable String> logged = new AtomicReference<>();

    InDaemon(Set<String> served) {
        this.served = Set.copyOf(served);
    }

    /** The storage types that the daemon serves. */
    public Set<String> served() {
        return served;
    }

    /** Says why it may not: nobody gets what the command prints then, and the other process runs it itself. */
    void doubt(@Nullable String reason) {
        doubt.compareAndSet(null, reason == null ? "for an unknown reason" : reason);
    }

    /** Says what the daemon logged meanwhile: the other process might have said it on its standard error. */
    void logged(String message) {
        logged.compareAndSet(null, message);
    }

    /**
     * Why it may not; empty if it does. A command that failed gives its reason, whatever was logged beside it: the other
     * process would only wait for the same storage once more.
     */
    Optional<String> doubt(boolean hasFailed) {
        String message = logged.get();
        return doubt.get() == null && message != null && !hasFailed
                ? Optional.of("something was logged: " + message)
                : Optional.ofNullable(doubt.get());
    }
}
