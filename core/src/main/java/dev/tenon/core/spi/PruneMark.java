package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * What pruning did, or would do, with a backup.
 *
 * @param volid the backup
 * @param ctime seconds since 1970 of its creation
 * @param type {@code qemu}, {@code lxc}, {@code openvz} or {@code unknown}
 * @param mark {@code keep}, {@code remove}, {@code protected} or {@code renamed} (its name contains no time, so it is
 *     kept)
 * @param owner the guest it belongs to, null if not known
 */
public record PruneMark(
        VolumeId volid,
        long ctime,
        String type,
        String mark,
        @Nullable Vmid owner) {}
