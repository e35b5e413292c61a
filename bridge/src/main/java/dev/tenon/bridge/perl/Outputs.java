package dev.tenon.bridge.perl;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.Readiness;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
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
    private final Set<Descriptor> living = ConcurrentHashMap.newKeySet();

    Outputs(String plugin) throws IOException {
        this.plugin = plugin;
        this.flood = new Flood(plugin, System::nanoTime);
        this.readiness = Readiness.start(
                "tenon-output-" + plugin, e -> LOG.error("event=defect plugin={} what=\"its output\"", plugin, e));
    }

    Readiness readiness() {
        return readiness;
    }

    /** The output of a new process. */
    Output make() {
        Output output = new Output(plugin, flood, open::remove);
        open.add(output);
        return output;
    }

    /** Logs what a process has to say of the plugin, besides what the plugin prints. */
    void note(Value.Fields params) {
        if (params.get("text") instanceof Value.Text(String text)) {
            LOG.warn("plugin={} {}", plugin, text.strip());
        }
    }

    /**
     * Tells when a process has ended, unless this is closed before.
     *
     * @param ended runs on the thread that reads, so it must not wait for anything
     * @throws IOException if there is no such process
     */
    void whenEnded(long pid, Runnable ended) throws IOException {
        Descriptor process = Descriptor.ofProcess(pid);
        living.add(process);
        CompletableFuture<Readiness.Watch> watch = new CompletableFuture<>();
        try {
            watch.complete(readiness.watch(process, () -> {
                watch.join().close();
                forget(process);
                ended.run();
            }));
        } catch (IOException e) {
            forget(process);
            throw e;
        }
    }

    private void forget(Descriptor process) {
        living.remove(process);
        process.close();
    }

    /** What children of the plugin that are still there print is lost from now on, and their ends are not told. */
    @Override
    public void close() {
        List.copyOf(open).forEach(Output::close);
        readiness.close();
        living.forEach(Descriptor::close);
    }
}
