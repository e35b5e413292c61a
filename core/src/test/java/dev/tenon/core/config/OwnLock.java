package dev.tenon.core.config;

import dev.tenon.core.lock.ExclusiveLock;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A lock inside this process that says whether it is held. */
final class OwnLock implements ExclusiveLock {
    private boolean isHeld;

    @Override
    public synchronized <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
        isHeld = true;
        try {
            return work.get();
        } finally {
            isHeld = false;
        }
    }

    boolean isHeld() {
        return isHeld;
    }
}
