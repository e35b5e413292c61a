package dev.tenon.core.testing;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Storages called {@code store}. */
public final class Storages {
    private Storages() {}

    /** A storage in this directory with these further properties, key and value in turn. */
    public static Storage at(Path path, String... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("path", path.toString());
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return with(properties);
    }

    public static Storage with(Map<String, Object> properties) {
        return Storage.of("store", "dir", properties);
    }

    public static VolumeId volume(String name) {
        return new VolumeId(new StorageId("store"), new VolumeName(name));
    }
}
