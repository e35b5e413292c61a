package dev.tenon.it.support;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.core.spi.Storage;
import java.io.Closeable;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A Perl plugin that is hosted from this JVM, in a real sidecar process. */
public final class SidecarHost implements Closeable {
    private final PerlStoragePlugin plugin;
    private final Path storage;
    private final int mark;

    private SidecarHost(PerlStoragePlugin plugin, Path storage, int mark) {
        this.plugin = plugin;
        this.storage = storage;
        this.mark = mark;
    }

    public static SidecarHost start(Scratch scratch, Path plugin) {
        return start(scratch, plugin, settings -> settings);
    }

    /** With other settings than the usual. */
    public static SidecarHost start(Scratch scratch, Path plugin, UnaryOperator<SidecarSettings> change) {
        int mark = LogRecorder.mark();
        scratch.logging("this JVM", () -> String.join("\n", LogRecorder.since(mark)));
        UnixSockets sockets = new UnixSockets();
        scratch.closing(sockets::close);
        SidecarSettings settings = change.apply(
                SidecarSettings.of(plugin, Installation.perlShim(), Installation.pveLibrary(), scratch.runtime())
                        .withBitmaps(scratch.file("bitmaps")));
        return scratch.closing(new SidecarHost(PerlStoragePlugin.start(sockets, settings), scratch.storage(), mark));
    }

    public PerlStoragePlugin plugin() {
        return plugin;
    }

    /** The process that hosts the plugin now. */
    public ProcessHandle process() {
        return ProcessHandle.of(plugin.pid().orElseThrow()).orElseThrow();
    }

    /** The storage {@code nas} in the scratch directory, with further properties, key and value in turn. */
    public Storage storage(Object... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("path", storage.toString());
        properties.put("content", Map.of("images", "1"));
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i].toString(), more[i + 1]);
        }
        return Storage.of("nas", plugin.type(), properties);
    }

    /** What this JVM has logged since the plugin was started. */
    public List<String> log() {
        return LogRecorder.since(mark);
    }

    @Override
    public void close() {
        plugin.close();
    }
}
