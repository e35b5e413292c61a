package dev.tenon.tck;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import java.nio.file.Path;

/**
 * What is tested.
 *
 * @param storage an empty storage, which the tests fill and empty
 * @param unreachable a storage of the same type that cannot be used, for instance because its directory is missing
 * @param outside an existing directory that is no part of the storage and that nothing else changes
 */
public record Subject(StoragePlugin plugin, Storage storage, Storage unreachable, Path outside, Abilities abilities) {}
