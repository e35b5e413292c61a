package dev.tenon.bridge.backup;

import dev.tenon.bridge.codec.Callbacks;
import dev.tenon.bridge.codec.Caller;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.proto.Value;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of an object that other processes call, one after the other. Each of them has a log of its own, so a line goes
 * into that of the call under way, and into this process's own between calls.
 */
public final class CallLog implements TaskLog {
    private static final Logger LOG = LoggerFactory.getLogger(CallLog.class);
    private static final TaskLog OWN =
            (level, line) -> LOG.info("event=provider-says level={} line=\"{}\"", level, line);

    private final AtomicReference<TaskLog> current = new AtomicReference<>(OWN);

    /**
     * Makes a call whose lines go to its caller.
     *
     * @param function the number of the caller's function, nil if it wants no lines
     */
    public <T> T during(Value function, Caller caller, Supplier<T> call) {
        TaskLog before =
                current.getAndSet(function instanceof Value.Int(long number) ? Callbacks.log(caller, number) : OWN);
        try {
            return call.get();
        } finally {
            current.set(before);
        }
    }

    @Override
    public void log(Level level, String line) {
        current.get().log(level, line);
    }
}
