package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * Where a volume is: the answer of {@code path} and {@code filesystem_path}.
 *
 * @param path an absolute path, or a URI that QEMU understands; not to be taken for a file without looking
 * @param owner the guest the volume belongs to, null if none is known
 * @param type the kind of content, null if the plugin does not tell or has a word of its own for it
 * @param vtype the plugin's word for the kind of content, null if it does not tell; PVE looks at it nowhere, so it may be
 *     any
 */
public record VolumePath(
        String path,
        @Nullable Vmid owner,
        @Nullable ContentType type,
        @Nullable String vtype) {

    public VolumePath(String path, @Nullable Vmid owner, @Nullable ContentType type) {
        this(path, owner, type, type == null ? null : type.word());
    }

    /** The answer of a plugin that tells the kind of content in this word. */
    public static VolumePath of(String path, @Nullable Vmid owner, @Nullable String vtype) {
        ContentType type = vtype == null ? null : ContentType.ofWord(vtype).orElse(null);
        return new VolumePath(path, owner, type, vtype);
    }
}
