package dev.tenon.core.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An operation whose progress is unknown: its process ended halfway, or the operation itself reported so.
 *
 * @param id unique among all interruptions
 * @param operation what was being done
 * @param volume the volume concerned, null if there was none or it had no name yet
 * @param snapshot the snapshot concerned, null if there was none
 * @param parameters all parameters of the call, by name
 * @param witness what {@link Examinable#witness} returned before it began
 */
public record Interruption(
        String id,
        Mutation operation,
        @Nullable VolumeName volume,
        @Nullable SnapshotName snapshot,
        Map<String, String> parameters,
        Map<String, String> witness) {
    public Interruption {
        parameters = Map.copyOf(parameters);
        witness = Map.copyOf(witness);
    }
}
