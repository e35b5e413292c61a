package dev.tenon.core.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An operation of which nobody knows how far it came: its process ended in the middle, or it said so itself.
 *
 * @param id tells it from all others
 * @param operation what was being done
 * @param volume the volume it was about, null if it was about none or had no name yet
 * @param snapshot the snapshot it was about, null if about none
 * @param parameters all that it was called with, by name
 * @param witness what {@link Examinable#witness} told before it began
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
