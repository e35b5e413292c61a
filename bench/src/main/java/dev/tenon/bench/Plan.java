package dev.tenon.bench;

/**
 * How often everything is called.
 *
 * @param warmup calls of each peer that are not counted
 * @param blocks blocks of each peer; those of the peers take turns, so that a machine that drifts hits all
 * @param block calls in a block
 */
record Plan(int warmup, int blocks, int block) {
    private static final int FEWEST_BLOCKS = 20;
    private static final int LARGEST_BLOCK = 1000;

    static Plan of(int calls, int warmup) {
        int block = Math.clamp(calls / FEWEST_BLOCKS, 1, LARGEST_BLOCK);
        return new Plan(warmup, Math.max(1, calls / block), block);
    }
}
