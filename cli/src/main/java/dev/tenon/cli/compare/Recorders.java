package dev.tenon.cli.compare;

import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.bridge.storage.CallTrees;
import dev.tenon.core.record.Recorder;
import dev.tenon.core.spi.StoragePlugin;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a daemon writes down of the calls of its plugins, if it may. */
public final class Recorders implements AutoCloseable {
    private final @Nullable Recorder recorder;
    private final Map<String, StoragePlugin> types;

    /**
     * Around the plugins of a daemon.
     *
     * @param directory where recordings are; null if nothing is ever recorded
     */
    public Recorders(Map<String, StoragePlugin> types, @Nullable Path directory) {
        Recorder wanted = directory == null ? null : new Recorder(directory, new CallTrees());
        this.recorder = wanted;
        this.types = new TreeMap<>(types);
        if (wanted != null) {
            this.types.replaceAll(wanted::plugin);
        }
    }

    /** The plugins, whose calls can be recorded. */
    public Map<String, StoragePlugin> types() {
        return Collections.unmodifiableMap(types);
    }

    /** What people may ask while the daemon runs. */
    public Map<String, ServedPlugins.Request> requests() {
        return Map.of(RecordRequest.NAME, new RecordRequest(recorder));
    }

    /** Ends a recording that is being made. */
    @Override
    public void close() {
        if (recorder != null) {
            recorder.close();
        }
    }
}
