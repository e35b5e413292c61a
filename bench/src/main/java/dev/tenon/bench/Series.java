package dev.tenon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How long the calls of one peer took, in blocks. */
final class Series {
    private static final double NANOS_PER_MICRO = 1000;

    private final List<long[]> blocks = new ArrayList<>();

    /** Adds a block of durations in nanoseconds. */
    void add(long[] nanos) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        blocks.add(sorted);
    }

    int samples() {
        return blocks.stream().mapToInt(block -> block.length).sum();
    }

    /** The median over the blocks of this percentile of each block, in microseconds. */
    double micros(double percentile) {
        return median(perBlock(percentile));
    }

    /** The ratio to another peer in each pair of blocks, which ran one after the other, ascending. */
    double[] ratios(Series other, double percentile) {
        double[] mine = perBlock(percentile);
        double[] theirs = other.perBlock(percentile);
        double[] ratios = new double[Math.min(mine.length, theirs.length)];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = mine[i] / theirs[i];
        }
        Arrays.sort(ratios);
        return ratios;
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private double[] perBlock(double percentile) {
        return blocks.stream()
                .mapToDouble(block ->
                        block[(int) Math.min(block.length - 1, block.length * percentile / 100)] / NANOS_PER_MICRO)
                .toArray();
    }
}
