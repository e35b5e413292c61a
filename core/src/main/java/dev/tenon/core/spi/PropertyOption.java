package dev.tenon.core.spi;

/**
 * How a plugin uses a property (a value of PVE's {@code options}).
 *
 * @param optional whether a storage may leave it out
 * @param fixed whether it can be set only when the storage is added
 */
public record PropertyOption(boolean optional, boolean fixed) {}
