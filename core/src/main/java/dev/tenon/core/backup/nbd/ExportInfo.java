package dev.tenon.core.backup.nbd;

/**
 * What a server says of an export.
 *
 * @param name empty for the default export
 * @param size in bytes
 * @param isReadOnly whether writes are refused
 * @param canFlush whether {@code flush} is understood
 * @param canTrim whether {@code trim} is understood
 * @param canZero whether zeroes can be written without sending them
 * @param canMultiply whether several connections see each other's writes, so that they may share the work
 * @param minimumBlock offsets and lengths are multiples of it, 1 where the server says nothing
 * @param preferredBlock what the server likes best, 4096 where it says nothing
 * @param largestPayload the longest read or write, 32 MiB where it says nothing
 */
public record ExportInfo(
        String name,
        long size,
        boolean isReadOnly,
        boolean canFlush,
        boolean canTrim,
        boolean canZero,
        boolean canMultiply,
        int minimumBlock,
        int preferredBlock,
        int largestPayload) {}
