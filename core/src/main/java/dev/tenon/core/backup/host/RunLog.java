package dev.tenon.core.backup.host;

import dev.tenon.core.spi.TaskLog;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a backup says: the host's own lines also go into a file, which the provider may keep; the provider's do not. */
final class RunLog implements AutoCloseable {
    private final TaskLog log;
    private final Writer file;

    private RunLog(TaskLog log, Writer file) {
        this.log = log;
        this.file = file;
    }

    static RunLog open(Path file, TaskLog log) throws IOException {
        return new RunLog(log, Files.newBufferedWriter(file, StandardCharsets.UTF_8));
    }

    /** For lines of the provider. */
    TaskLog ofProvider() {
        return log;
    }

    void info(String line) {
        say(TaskLog.Level.INFO, line);
    }

    void warn(String line) {
        say(TaskLog.Level.WARN, line);
    }

    void error(String line) {
        say(TaskLog.Level.ERR, line);
    }

    private void say(TaskLog.Level level, String line) {
        log.log(level, line);
        try {
            file.write(line + "\n");
        } catch (IOException e) {
            tellUnwritten(e);
        }
    }

    /** The file is complete, as far as it can be written; later lines are not in it. */
    void endFile() {
        try {
            file.flush();
        } catch (IOException e) {
            tellUnwritten(e);
        }
    }

    /** A log that cannot be written makes no backup fail. */
    private void tellUnwritten(IOException failure) {
        log.log(TaskLog.Level.WARN, "the log of the backup cannot be written: " + failure.getMessage());
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            tellUnwritten(e);
        }
    }
}
