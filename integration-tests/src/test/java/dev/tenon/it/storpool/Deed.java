package dev.tenon.it.storpool;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something that a plugin is told to do.
 *
 * @param what for people
 * @param call does it, and answers what there is to compare
 * @param refusal what Tenon's plugin refuses it with and StorPool's own would do, to the harm of the storage, so that it is
 *     not told; null if both are told
 */
record Deed(String what, Call call, @Nullable String refusal) {
    /** A call of either plugin. */
    @FunctionalInterface
    interface Call {
        /** Makes it. */
        Object of(StoragePlugin plugin, Storage storage);
    }

    static Deed of(String what, Call call) {
        return new Deed(what, call, null);
    }

    static Deed refused(String what, String refusal, Call call) {
        return new Deed(what, call, refusal);
    }

    Optional<String> onlyRefused() {
        return Optional.ofNullable(refusal);
    }

    @Override
    public String toString() {
        return what;
    }
}
