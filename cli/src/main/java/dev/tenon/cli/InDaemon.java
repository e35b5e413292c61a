package dev.tenon.cli;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** That the daemon runs a command for another process, and whether it does what the command would do there. */
public final class InDaemon {
    private final Set<String> served;
    private final AtomicReference<@Nullable String> doubt = new AtomicReference<>();

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

    /** Why it may not; empty if it does. */
    Optional<String> doubt() {
        return Optional.ofNullable(doubt.get());
    }
}
