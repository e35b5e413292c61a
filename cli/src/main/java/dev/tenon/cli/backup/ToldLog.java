package dev.tenon.cli.backup;

import dev.tenon.core.spi.TaskLog;
import java.io.PrintWriter;

/** What a backup says while it runs, on standard error; with {@code --quiet} only what is wrong. */
record ToldLog(PrintWriter err, boolean isQuiet) implements TaskLog {
    @Override
    public void log(Level level, String line) {
        if (level != Level.INFO) {
            err.println("tenon: " + line);
        } else if (!isQuiet) {
            err.println(line);
        }
        err.flush();
    }
}
