package dev.tenon.core.stream;

import org.jspecify.annotations.Nullable;

/**
 * What has been transferred.
 *
 * @param bytes of the whole stream, its header included
 * @param sha256 of the whole stream in hexadecimal, null if it was not wanted or the stream has not come to its end
 */
public record Transferred(long bytes, @Nullable String sha256) {}
