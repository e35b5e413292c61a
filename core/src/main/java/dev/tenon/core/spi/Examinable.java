package dev.tenon.core.spi;

import java.util.List;
import java.util.Map;

/** A storage type that knows what interrupted work leaves in its storages, and how to put it right. */
public interface Examinable {
    /**
     * Looks for what no finished operation leaves. Changes nothing.
     *
     * @param interruptions operations of this storage of which nobody knows how far they came, oldest first
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if the storage cannot be read
     */
    List<Finding> examine(Storage storage, List<Interruption> interruptions);

    /**
     * What is there of a volume before an operation changes it, so that it can be told later whether it is still the same.
     * Fails never; empty where there is nothing to tell.
     *
     * @return short texts that mean something to this type alone, by names without {@code =} or line breaks
     */
    Map<String, String> witness(Storage storage, VolumeName volume);
}
