package dev.tenon.core.spi;

/** Where a long operation reports to its caller what it is doing. */
@FunctionalInterface
public interface TaskLog {
    /** How serious a line is. */
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
