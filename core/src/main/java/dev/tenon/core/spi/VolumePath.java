package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * Where a volume is: the answer of {@code path} and {@code filesystem_path}.
 *
 * @param path an absolute path, or a URI that QEMU understands; do not assume that it is a file
 * @param owner the guest the volume belongs to, null if none is known
 * @param type the kind of content, null if the plugin does not say or uses a word of its own
 * @param vtype the plugin's word for the kind of content, null if it does not say; PVE never looks at it, so it may be
 *     any word
 */
public record VolumePath(
        String path,
        @Nullable Vmid owner,
        @Nullable ContentType type,
        @Nullable String vtype) {

    public VolumePath(String path, @Nullable Vmid owner, @Nullable ContentType type) {
        this(path, owner, type, type == null ? null : type.word());
    }

    /** The answer of a plugin that uses this word for the kind of content. */
    public static VolumePath of(String path, @Nullable Vmid owner, @Nullable String vtype) {
        ContentType type = vtype == null ? null : ContentType.ofWord(vtype).orElse(null);
        return new VolumePath(path, owner, type, vtype);
    }
}
