package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/**
 * The answer of {@code volume_size_info}.
 *
 * @param size virtual size, null if not known
 * @param format the format of the volume
 * @param used bytes allocated on the storage, null if not known
 * @param parent name or path of the base image, null if there is none
 * @param ctime seconds since 1970 of the last change of the inode, null if not known
 */
public record SizeInfo(
        @Nullable ByteSize size,
        Format format,
        @Nullable ByteSize used,
        @Nullable String parent,
        @Nullable Long ctime) {}
