package dev.tenon.bridge.storage;

import dev.tenon.bridge.codec.Callee;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.Api;

/** The storage plugin API, as it crosses. */
public final class StorageApi {
    public static final Api API = Api.named("storage-plugin");

    private StorageApi() {}

    /** A storage plugin as something whose methods are called by name. */
    public static Callee callee(StoragePlugin plugin) {
        return (method, params, caller) -> TypedCalls.call(plugin, method, params, caller);
    }
}
