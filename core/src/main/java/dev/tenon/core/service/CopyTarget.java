package dev.tenon.core.service;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import org.jspecify.annotations.Nullable;

/**
 * Where a copy goes.
 *
 * @param owner the guest that gets it
 * @param format null for that of the source if the storage takes it, else the storage's own
 * @param name the wanted name, null to let the storage choose
 */
public record CopyTarget(
        StorageId storage,
        Vmid owner,
        Format.@Nullable Image format,
        @Nullable String name) {}
