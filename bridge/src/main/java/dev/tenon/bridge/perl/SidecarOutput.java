package dev.tenon.bridge.perl;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.exec.LogOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a plugin prints. It goes to the log line by line, with the call it was printed in, and the last lines are kept for
 * the error that a crash makes. The process numbers its calls, the start counting as one, and marks in its outputs where
 * each is over, because they are read later than its answers; what comes after a mark and before the next call is of no
 * call, such as the words of a child that the plugin left behind.
 */
final class SidecarOutput {
    private static final Logger LOG = LoggerFactory.getLogger("dev.tenon.plugin");
    private static final Pattern CALL_OVER = Pattern.compile("\\x1etenon-call-over ([0-9]{1,18})$");
    private static final int KEPT_LINES = 20;
    private static final int KEPT_CHARACTERS = 500;

    private final String plugin;
    private final Deque<String> last = new ArrayDeque<>();
    private final List<Stream> streams = new CopyOnWriteArrayList<>();
    private long newest;

    SidecarOutput(String plugin) {
        this.plugin = plugin;
    }

    /** What the process prints until it marks the end of another call belongs to this one. */
    void during(String call) {
        newest++;
        streams.forEach(stream -> stream.calls.addLast(new Call(newest, call)));
    }

    /** The call that was announced last did not reach the process. */
    void withdraw() {
        newest--;
        streams.forEach(stream -> stream.calls.pollLast());
    }

    LogOutputStream stream(String name) {
        Stream stream = new Stream(name);
        streams.add(stream);
        return stream;
    }

    private record Call(long number, String words) {}

    private final class Stream extends LogOutputStream {
        private final String name;
        private final Deque<Call> calls = new ConcurrentLinkedDeque<>();

        Stream(String name) {
            this.name = name;
            calls.add(new Call(0, "start"));
        }

        @Override
        protected void processLine(String line, int level) {
            Matcher mark = CALL_OVER.matcher(line);
            if (!mark.find()) {
                show(line);
                return;
            }
            if (mark.start() > 0) {
                show(line.substring(0, mark.start()));
            }
            long number = Long.parseLong(mark.group(1));
            for (Call call = calls.peekFirst(); call != null && call.number() <= number; call = calls.peekFirst()) {
                calls.pollFirst();
            }
        }

        private void show(String line) {
            keep(line);
            Call call = calls.peekFirst();
            LOG.info(
                    "plugin={} stream={} call=\"{}\" {}",
                    plugin,
                    name,
                    call == null ? "background" : call.words(),
                    line);
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
