package dev.tenon.bridge.perl;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.commons.exec.LogOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a plugin prints. It goes to the log line by line, with the call that ran when the line came, and the last lines
 * are kept for the error that a crash makes.
 */
final class SidecarOutput {
    private static final Logger LOG = LoggerFactory.getLogger("dev.tenon.plugin");
    private static final int KEPT_LINES = 20;
    private static final int KEPT_CHARACTERS = 500;

    private final String plugin;
    private final Deque<String> last = new ArrayDeque<>();
    private final List<Stream> streams = new ArrayList<>();
    private volatile String call = "background";

    SidecarOutput(String plugin) {
        this.plugin = plugin;
    }

    /** Lines that come from now on belong to this call. */
    void during(String newCall) {
        call = newCall;
    }

    /**
     * Lines that come from now on belong to no call, such as those of a child that the plugin left behind. The process
     * answers only when what it printed is read; what is read but not logged, or has no newline yet, is the call's.
     */
    void idle() {
        synchronized (streams) {
            streams.forEach(Stream::flush);
            call = "background";
        }
    }

    LogOutputStream stream(String name) {
        Stream stream = new Stream(name);
        synchronized (streams) {
            streams.add(stream);
        }
        return stream;
    }

    private final class Stream extends LogOutputStream {
        private final String name;

        Stream(String name) {
            this.name = name;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            synchronized (streams) {
                super.write(bytes, offset, length);
            }
        }

        @Override
        protected void processLine(String line, int level) {
            keep(line);
            LOG.info("plugin={} stream={} call=\"{}\" {}", plugin, name, call, line);
        }
    }

    private void keep(String line) {
        synchronized (last) {
            last.addLast(line.length() > KEPT_CHARACTERS ? line.substring(0, KEPT_CHARACTERS) + "..." : line);
            if (last.size() > KEPT_LINES) {
                last.removeFirst();
            }
        }
    }

    /** The newest lines, oldest first. */
    List<String> last(int count) {
        synchronized (last) {
            return last.stream().skip(Math.max(0, last.size() - count)).toList();
        }
    }
}
