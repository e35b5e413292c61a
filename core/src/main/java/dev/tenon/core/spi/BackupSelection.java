package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * Which backups {@code prune_backups} looks at.
 *
 * @param owner those of one guest, null for all
 * @param type {@code qemu} or {@code lxc}, null for both
 */
public record BackupSelection(
        @Nullable Vmid owner, @Nullable String type) {}
