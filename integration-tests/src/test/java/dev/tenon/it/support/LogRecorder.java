package dev.tenon.it.support;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.ArrayList;
import java.util.List;

/** Keeps what this JVM logs, for tests that look at it and for those that fail. Named in {@code logback-test.xml}. */
public final class LogRecorder extends AppenderBase<ILoggingEvent> {
    private static final List<String> LINES = new ArrayList<>();

    @Override
    protected void append(ILoggingEvent event) {
        synchronized (LINES) {
            LINES.add(event.getLevel() + " " + event.getFormattedMessage());
        }
    }

    /** A place in the log, for {@link #since}. */
    static int mark() {
        synchronized (LINES) {
            return LINES.size();
        }
    }

    static List<String> since(int mark) {
        synchronized (LINES) {
            return List.copyOf(LINES.subList(mark, LINES.size()));
        }
    }
}
