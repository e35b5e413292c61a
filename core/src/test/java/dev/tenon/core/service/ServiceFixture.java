package dev.tenon.core.service;

import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * A service over a {@code storage.cfg} in a scratch directory, that notes which calls about a storage reach its plugins
 * once the configuration is read.
 */
final class ServiceFixture {
    static final Vmid GUEST = new Vmid(100);
    static final StorageId LOCAL = new StorageId("fast");

    final Locks locks;
    final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    final Map<String, StoragePlugin> types = new HashMap<>();
    Executor cleanups = Runnable::run;
    Permissions permissions = Permissions.ALL;

    private final Path scratch;
    private final Path file;

    ServiceFixture(Path scratch) {
        this.scratch = scratch;
        this.file = scratch.resolve("storage.cfg");
        this.locks = new Locks(scratch.resolve("lock"), null);
    }

    /** A directory to be named in the configuration. */
    Path directory(String name) throws IOException {
        return Files.createDirectories(scratch.resolve(name));
    }

    ServiceFixture type(StoragePlugin plugin) {
        types.put(plugin.type(), Decorator.decorate(plugin, (call, next) -> {
            if (call.storage() != null && !call.operation().equals("checkConfig")) {
                calls.add(call.operation());
            }
            return next.get();
        }));
        return this;
    }

    StorageService service(String... sections) throws IOException {
        // The directory that every configuration has must not be used by tests.
        String local = "dir: local\n\tpath /var/lib/vz\n\tdisable\n\n";
        Files.writeString(file, local + String.join("\n", sections));
        return over(file);
    }

    StorageService over(Path config) {
        ConfigStore configs = new ConfigStore(config, types, Locks.forFile(config));
        return new StorageService(configs::current, types, "here", locks, cleanups, permissions);
    }

    static VolumeId volume(String name) {
        return VolumeId.parse(LOCAL + ":" + name);
    }
}
