package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * Where a volume is: the answer of {@code path} and {@code filesystem_path}.
 *
 * @param path an absolute path, or a URI that QEMU understands; not to be taken for a file without looking
 * @param owner the guest the volume belongs to, null if none is known
 * @param type the kind of content, null if the plugin does not tell
 */
public record VolumePath(
        String path, @Nullable Vmid owner, @Nullable ContentType type) {}
