package dev.tenon.core.spi;

import java.util.List;
import java.util.Map;

/** A storage type that knows what interrupted work leaves in its storages, and how to repair it. */
public interface Examinable {
    /**
     * Looks for anything that no finished operation would leave. Changes nothing.
     *
     * @param interruptions operations on this storage whose progress is unknown, oldest first
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if the storage cannot be read
     */
    List<Finding> examine(Storage storage, List<Interruption> interruptions);

    /**
     * Describes a volume before an operation changes it, so that it can be checked later whether it is still the same.
     * Never fails; empty if there is nothing to describe.
     *
     * @return short texts that only this type understands, by names without {@code =} or line breaks
     */
    Map<String, String> witness(Storage storage, VolumeName volume);
}
