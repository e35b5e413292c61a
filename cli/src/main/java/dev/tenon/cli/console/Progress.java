package dev.tenon.cli.console;

import dev.tenon.core.spi.ByteSize;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Shows how far long work has come: on a terminal as a bar that is redrawn and goes away in the end, elsewhere as a line
 * every few seconds. Any thread may report progress, as often as it likes.
 */
public final class Progress implements AutoCloseable {
    private static final Duration REDRAW = Duration.ofMillis(100);
    private static final Duration LINE = Duration.ofSeconds(5);
    /** The rate is that of the last seconds, not of all the time since the beginning. */
    private static final Duration WINDOW = Duration.ofSeconds(10);

    private static final int MOST_SAMPLES = 100;
    private static final int LONGEST_BAR = 30;
    private static final int SHORTEST_BAR = 5;
    private static final int UNKNOWN = -1;

    private record Sample(long time, long done) {}

    private final PrintWriter out;
    private final Terminal terminal;
    private final String what;
    private final LongSupplier nanoTime;
    private final Deque<Sample> samples = new ArrayDeque<>();
    private long shown;
    private boolean isDrawn;

    /**
     * Begins now.
     *
     * @param out standard error
     * @param terminal what that is connected to
     * @param what begins every line, for instance {@code copying nas:100/vm-100-disk-0.raw}
     */
    public Progress(PrintWriter out, Terminal terminal, String what) {
        this(out, terminal, what, System::nanoTime);
    }

    Progress(PrintWriter out, Terminal terminal, String what, LongSupplier nanoTime) {
        this.out = out;
        this.terminal = terminal;
        this.what = Table.printable(what);
        this.nanoTime = nanoTime;
        shown = nanoTime.getAsLong();
        samples.add(new Sample(shown, 0));
    }

    /**
     * Tells how far it has come.
     *
     * @param done bytes that are done
     * @param total bytes that are to be done, 0 or less if that is not known
     */
    public synchronized void reached(long done, long total) {
        remember(new Sample(nanoTime.getAsLong(), done));
        if (isTime()) {
            String text = text(done, total);
            show(bar(text, done, total), text);
        }
    }

    /** Tells what is done now, of work that is not counted in bytes. */
    public synchronized void at(String text) {
        if (isTime()) {
            show("", Table.printable(text));
        }
    }

    private boolean isTime() {
        long now = nanoTime.getAsLong();
        Duration pause = terminal.isPresent() ? REDRAW : LINE;
        if (now - shown < pause.toNanos()) {
            return false;
        }
        shown = now;
        return true;
    }

    private void show(String bar, String text) {
        if (terminal.isPresent()) {
            out.print("\r" + terminal.cut(what + " " + bar + text) + "\u001b[K");
            isDrawn = true;
        } else {
            out.println(what + ": " + text);
        }
        out.flush();
    }

    private void remember(Sample sample) {
        long between = WINDOW.toNanos() / MOST_SAMPLES;
        if (samples.size() > 1 && sample.time() - before(samples).time() < between) {
            samples.removeLast();
        }
        samples.add(sample);
        while (samples.size() > 2 && sample.time() - samples.getFirst().time() > WINDOW.toNanos()) {
            samples.removeFirst();
        }
    }

    private static Sample before(Deque<Sample> samples) {
        var fromLatest = samples.descendingIterator();
        fromLatest.next();
        return fromLatest.next();
    }

    private String text(long done, long total) {
        StringBuilder text = new StringBuilder();
        if (total > 0) {
            text.append(String.format(
                    Locale.ROOT,
                    "%3d %%  %s of %s",
                    (int) Math.min(100, 100.0 * done / total),
                    ByteSize.shown((double) done),
                    ByteSize.shown((double) total)));
        } else {
            text.append(ByteSize.shown((double) done));
        }
        double rate = rate();
        if (rate > 0) {
            text.append("  ").append(ByteSize.shown(rate)).append("/s");
            if (total > done) {
                text.append("  ").append(clock((total - done) / rate)).append(" left");
            }
        }
        return text.toString();
    }

    /** Bytes per second; negative if it is not known yet. */
    private double rate() {
        Sample first = samples.getFirst();
        Sample last = samples.getLast();
        double seconds = (last.time() - first.time()) / 1e9;
        return seconds <= 0 || last.done() <= first.done() ? UNKNOWN : (last.done() - first.done()) / seconds;
    }

    private static String clock(double seconds) {
        long all = Math.max(1, Math.round(Math.min(seconds, 1e9)));
        return all < 3600
                ? String.format(Locale.ROOT, "%d:%02d", all / 60, all % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", all / 3600, all / 60 % 60, all % 60);
    }

    private String bar(String text, long done, long total) {
        int room = terminal.width() - Table.width(what) - text.length() - "  [] ".length();
        int length = Math.min(LONGEST_BAR, room);
        if (total <= 0 || length < SHORTEST_BAR) {
            return " ";
        }
        int filled = (int) Math.min(length, Math.max(0, length * (double) done / total));
        return "[" + "#".repeat(filled) + "-".repeat(length - filled) + "] ";
    }

    /** Takes the bar away. */
    @Override
    public synchronized void close() {
        if (isDrawn) {
            out.print("\r\u001b[K");
            out.flush();
            isDrawn = false;
        }
    }
}
