package dev.tenon.libvirt;

import dev.tenon.core.spi.StorageId;
import java.util.List;
import java.util.Map;

/**
 * A storage as the XML of a pool describes it.
 *
 * @param type PVE's storage type
 * @param properties of {@code storage.cfg}, as text
 * @param left the elements of the pool that a storage cannot have, for instance {@code target/permissions}
 */
public record StorageDefinition(StorageId id, String type, Map<String, String> properties, List<String> left) {
    public StorageDefinition {
        properties = Map.copyOf(properties);
        left = List.copyOf(left);
    }
}
