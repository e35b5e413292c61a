package dev.tenon.core.spi;

/** A configured storage: its id and its configuration. Every call that is about a storage gets one. */
public record Storage(StorageId id, StorageConfig config) {}
