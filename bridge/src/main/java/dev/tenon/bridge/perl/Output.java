package dev.tenon.bridge.perl;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.PipeReader;
import dev.tenon.core.linux.Readiness;
import dev.tenon.core.spi.Host;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one process of a plugin prints, which it never has to wait with. It goes to the log line by line, with the call it
 * was printed in, and to who makes that call; the last lines are kept for the error that a crash makes. What comes between
 * two calls is of none, such as the words of a child that the plugin left behind.
 */
final class Output implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger("dev.tenon.plugin");
    private static final int KEPT_LINES = 20;
    private static final int KEPT_CHARACTERS = 500;
    private static final int AT_ONCE = 16384;

    /** More than a pipe holds: what a call printed is in it when the call has been answered. */
    private static final int MOST_AT_END = 128 << 10;

    private final String plugin;
    private final Flood flood;
    private final Consumer<Output> ended;
    private final byte[] bytes = new byte[AT_ONCE];
    private final Deque<String> last = new ArrayDeque<>();
    private final List<Stream> streams = new ArrayList<>();
    private String call = "start";
    private Host.Printing caller = Host.Printing.NONE;

    /** Runs {@code ended} when no process can print any more. */
    Output(String plugin, Flood flood, Consumer<Output> ended) {
        this.plugin = plugin;
        this.flood = flood;
        this.ended = ended;
    }

    private final class Stream {
        private final PipeReader pipe;
        private final LineCutter lines;
        private Readiness.@Nullable Watch watch;

        Stream(Host.Stream kind, PipeReader pipe) {
            this.pipe = pipe;
            this.lines = new LineCutter(line -> show(kind, line));
        }

        /** Returns how many bytes came; at the end it closes itself. */
        int read() {
            try {
                OptionalInt read = pipe.read(bytes);
                if (read.isPresent()) {
                    lines.take(bytes, read.getAsInt());
                    return read.getAsInt();
                }
            } catch (IOException e) {
                LOG.warn("event=output-lost plugin={} reason=\"{}\"", plugin, e.getMessage());
            }
            lines.end();
            close();
            streams.remove(this);
            if (streams.isEmpty()) {
                ended.accept(Output.this);
            }
            return 0;
        }

        void close() {
            if (watch != null) {
                watch.close();
            }
            pipe.close();
        }
    }

    /** Reads a pipe from now on, which is this object's to close. */
    synchronized void read(Host.Stream kind, Descriptor pipe, Readiness readiness) throws IOException {
        Stream stream = new Stream(kind, new PipeReader(pipe));
        streams.add(stream);
        stream.watch = readiness.watch(pipe, () -> readyToRead(stream));
    }

    private synchronized void readyToRead(Stream stream) {
        if (streams.contains(stream)) {
            stream.read();
        }
    }

    /**
     * Lines that come from now on belong to this call.
     *
     * @param printing who makes it
     */
    synchronized void during(String words, Host.Printing printing) {
        call = words;
        caller = printing;
    }

    /** The call is over; everything it printed has been passed on when this returns. */
    synchronized void over() {
        drain();
        call = "background";
        caller = Host.Printing.NONE;
    }

    private void drain() {
        for (Stream stream : List.copyOf(streams)) {
            int total = 0;
            int read;
            do {
                read = stream.read();
                total += read;
            } while (read > 0 && total < MOST_AT_END);
            if (streams.contains(stream)) {
                stream.lines.end();
            }
        }
    }

    private void show(Host.Stream stream, String line) {
        last.addLast(line.length() > KEPT_CHARACTERS ? line.substring(0, KEPT_CHARACTERS) + "..." : line);
        if (last.size() > KEPT_LINES) {
            last.removeFirst();
        }
        if (flood.admits(line.length())) {
            LOG.info("plugin={} stream={} call=\"{}\" {}", plugin, stream.word(), call, line);
            caller.line(stream, line);
        }
    }

    /** The newest lines, oldest first. */
    synchronized List<String> last(int count) {
        drain();
        return last.stream().skip(Math.max(0, last.size() - count)).toList();
    }

    @Override
    public synchronized void close() {
        drain();
        streams.forEach(Stream::close);
        streams.clear();
        ended.accept(this);
    }
}
