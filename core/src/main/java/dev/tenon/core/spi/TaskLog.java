package dev.tenon.core.spi;

/** Where a long operation tells its caller what it does. */
@FunctionalInterface
public interface TaskLog {
    /** How grave a line is. */
    enum Level {
        INFO,
        WARN,
        ERR
    }

    /**
     * One line.
     *
     * @param line without a trailing newline
     */
    void log(Level level, String line);
}
