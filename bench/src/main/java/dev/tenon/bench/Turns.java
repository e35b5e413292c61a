package dev.tenon.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What one of several peers took, which take turns. */
final class Turns {
    /** Peers that are close to each other are told apart by so many times the turns. */
    static final int CLOSE = 5;

    private static final int WARM_UP = 5;
    private static final double MILLIS = 1e6;

    private final List<Double> nanos = new ArrayList<>();
    private final List<Double> firsts = new ArrayList<>();
    private double cpuNanos;
    private boolean isWarm;

    /** What is measured. */
    interface Turn {
        void take() throws IOException, InterruptedException;
    }

    /**
     * Every peer once to warm up, then by turns, every other time in the other order.
     *
     * @param turns ours first, which has code that is compiled while it runs and warms up for longer
     */
    static void take(int rounds, List<Turns> results, Turn... turns) throws IOException, InterruptedException {
        List<Turn> order = List.of(turns);
        for (int i = 0; i < WARM_UP; i++) {
            order.getFirst().take();
        }
        for (int round = 0; round <= rounds; round++) {
            for (Turn turn : round % 2 == 0 ? order : order.reversed()) {
                turn.take();
            }
            if (round == 0) {
                results.forEach(Turns::forget);
            }
        }
    }

    void add(double taken, double cpu) {
        nanos.add(taken);
        cpuNanos += cpu;
    }

    /** When the first byte came, after the call. */
    void addFirst(double taken) {
        firsts.add(taken);
    }

    private void forget() {
        nanos.clear();
        firsts.clear();
        cpuNanos = 0;
        isWarm = true;
    }

    boolean isWarm() {
        return isWarm;
    }

    double firstMillis() {
        return median(firsts) / MILLIS;
    }

    double millis() {
        return median(nanos) / MILLIS;
    }

    double cpuMillis() {
        return cpuNanos / nanos.size() / MILLIS;
    }

    /** Of the only turn. */
    double nanosFromTheCall() {
        return firsts.getFirst() + nanos.getFirst();
    }

    private static double median(List<Double> values) {
        return Series.median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** How many times as fast as another, by turns, ascending. */
    double[] speeds(Turns other) {
        double[] ratios = new double[nanos.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = other.nanos.get(i) / nanos.get(i);
        }
        Arrays.sort(ratios);
        return ratios;
    }

    void report(Report report, String what) {
        report.line(String.format(Locale.ROOT, "  %-38s %9.1f ms, CPU %.1f ms", what, millis(), cpuMillis()));
    }

    /** The other, and how many times as fast these are; a target of 0 is none. */
    void beside(Report report, String what, Turns other, double target) {
        double[] speeds = speeds(other);
        double speed = Series.median(speeds);
        report.line(String.format(
                        Locale.ROOT,
                        "    %-36s %9.1f ms: %.2f (%.2f .. %.2f) times as fast %s",
                        what,
                        other.millis(),
                        speed,
                        speeds[0],
                        speeds[speeds.length - 1],
                        target == 0 ? "" : speed >= target ? "good" : "SHORT")
                .stripTrailing());
    }
}
