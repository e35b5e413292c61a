package dev.tenon.bridge.perl;

import dev.tenon.core.linux.Readiness;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What all processes of a plugin print, read by one thread, which also watches for their ends. */
final class Outputs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Outputs.class);

    private final String plugin;
    private final Readiness readiness;
    private final Flood flood;
    private final Set<Output> open = ConcurrentHashMap.newKeySet();

    Outputs(String plugin) throws IOException {
        this.plugin = plugin;
        this.flood = new Flood(plugin, System::nanoTime);
        this.readiness = Readiness.start(
                "tenon-output-" + plugin, e -> LOG.error("event=defect plugin={} what=\"its output\"", plugin, e));
    }

    Readiness readiness() {
        return readiness;
    }

    /** That of a new process. */
    Output make() {
        Output output = new Output(plugin, flood, open::remove);
        open.add(output);
        return output;
    }

    /** What children of the plugin that are still there print is lost from now on. */
    @Override
    public void close() {
        List.copyOf(open).forEach(Output::close);
        readiness.close();
    }
}
