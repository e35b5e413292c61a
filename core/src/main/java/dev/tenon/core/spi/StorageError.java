package dev.tenon.core.spi;

/**
 * Why a storage call failed. Every kind has the same name as the error code that carries it on the wire, where its
 * meaning and the caller's remedy are described.
 */
public enum StorageError {
    ALREADY_EXISTS,
    BAD_CONFIG,
    BAD_PARAMETER,
    BAD_RESULT,
    CANCELLED,
    COMMAND_FAILED,
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_NAME,
    IN_USE,
    NOT_FOUND,
    NOT_SUPPORTED,
    NO_SPACE,
    OBJECT_GONE,
    PERMISSION_DENIED,
    PLUGIN_BUSY,
    PLUGIN_DIED,
    PLUGIN_REJECTED,
    SIDECAR_FAILED,
    STORAGE_BUSY,
    STORAGE_UNAVAILABLE,
    STREAM_BROKEN,
    TOO_MANY_CALLS,
    UNSAFE_IMAGE
}
