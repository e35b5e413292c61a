package dev.tenon.bridge.perl;

import dev.tenon.proto.Frame;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.exec.LogOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a plugin prints. It goes to the log line by line, with the call it was printed in, and the last lines are kept for
 * the error that a crash makes. A call that printed marks the end of it in its outputs, because they are read later than
 * its answer; what comes between two calls is of none, such as the words of a child that the plugin left behind.
 */
final class SidecarOutput {
    private static final Logger LOG = LoggerFactory.getLogger("dev.tenon.plugin");
    private static final Pattern CALL_OVER = Pattern.compile("\\x1etenon-call-over ([0-9]{1,18})$");
    private static final Duration DRAIN_LIMIT = Duration.ofMillis(200);
    private static final int KEPT_LINES = 20;
    private static final int KEPT_CHARACTERS = 500;

    private final String plugin;
    private final Deque<String> last = new ArrayDeque<>();
    private final Map<String, Long> marks = new HashMap<>();
    private final Map<String, Long> expected = new HashMap<>();
    private volatile String call = "start";

    SidecarOutput(String plugin) {
        this.plugin = plugin;
    }

    /** Lines that come from now on belong to this call. */
    void during(String words) {
        call = words;
    }

    /** The process says that a call printed, and in which streams it marked the end of that. */
    void printed(Frame.Notify notice) {
        if (notice.name().equals("printed")
                && notice.params().get("call") instanceof Value.Int(long number)
                && notice.params().get("streams") instanceof Value.Seq(List<Value> streams)) {
            synchronized (marks) {
                streams.forEach(stream -> {
                    if (stream instanceof Value.Text(String name)) {
                        expected.put(name, number);
                    }
                });
            }
        }
    }

    /** The call is over. What it printed comes by another way than its answer, and is waited for. */
    void over() {
        long deadline = System.nanoTime() + DRAIN_LIMIT.toNanos();
        synchronized (marks) {
            while (expected.entrySet().stream()
                    .anyMatch(mark -> marks.getOrDefault(mark.getKey(), -1L) < mark.getValue())) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    break;
                }
                try {
                    marks.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    break;
                }
            }
            expected.clear();
        }
        call = "background";
    }

    LogOutputStream stream(String name) {
        return new LogOutputStream() {
            @Override
            protected void processLine(String line, int level) {
                Matcher mark = CALL_OVER.matcher(line);
                if (!mark.find()) {
                    show(name, line);
                    return;
                }
                if (mark.start() > 0) {
                    show(name, line.substring(0, mark.start()));
                }
                synchronized (marks) {
                    marks.put(name, Long.valueOf(mark.group(1)));
                    marks.notifyAll();
                }
            }
        };
    }

    private void show(String name, String line) {
        keep(line);
        LOG.info("plugin={} stream={} call=\"{}\" {}", plugin, name, call, line);
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
