package dev.tenon.core.service;

import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;

/** The answer of one of several storages. */
public sealed interface Answer<T> {
    StorageId storage();

    record Given<T>(StorageId storage, T value) implements Answer<T> {}

    /** It failed, or did not answer in time ({@code DEADLINE_EXCEEDED}). */
    record Refused<T>(StorageId storage, StorageException reason) implements Answer<T> {}
}
