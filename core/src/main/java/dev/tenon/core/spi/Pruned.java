package dev.tenon.core.spi;

import java.util.List;

/**
 * The answer of {@code prune_backups}.
 *
 * @param marks one for every backup that was examined
 * @param retention the retention that was applied; plugins simplify what they are given
 */
public record Pruned(List<PruneMark> marks, Retention retention) {
    public Pruned {
        marks = List.copyOf(marks);
    }
}
