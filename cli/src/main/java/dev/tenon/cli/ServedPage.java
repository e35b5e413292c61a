package dev.tenon.cli;

import dev.tenon.bridge.serve.Daemon;
import dev.tenon.host.Host;
import dev.tenon.web.Observation;
import dev.tenon.web.SeenComparison;
import dev.tenon.web.WebAddress;
import dev.tenon.web.WebPage;
import dev.tenon.web.WebSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The page of a daemon, from when it answers until another one answers in its place. */
final class ServedPage implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServedPage.class);

    private @Nullable WebPage page;
    private boolean isOver;

    /**
     * Begins. A daemon whose page cannot be had, as when somebody else has its port, goes on without: storages matter more.
     *
     * @param surroundings where the address is told, if people see it: whoever reads the log is not to know the token
     */
    synchronized void open(
            WebSettings settings,
            Host host,
            Observation observation,
            Daemon daemon,
            Supplier<List<SeenComparison>> comparisons,
            Surroundings surroundings) {
        if (isOver) {
            return;
        }
        try {
            WebPage opened = WebPage.open(settings, host, observation, daemon::overview, comparisons);
            page = opened;
            LOG.info(
                    "event=web address={} token-file={}",
                    opened.address(),
                    settings.token().file());
            if (settings.token().isNew()
                    && surroundings.terminal().isPresent()
                    && opened.address() instanceof WebAddress.Tcp) {
                PrintWriter out = surroundings.out();
                out.println("The page is at http://" + opened.address() + "/#token="
                        + settings.token().text());
                out.flush();
            }
        } catch (IOException | RuntimeException e) {
            String reason = e.getMessage();
            LOG.error("event=web-not-there reason=\"{}\"", reason == null ? e.toString() : reason);
        }
    }

    @Override
    public synchronized void close() {
        isOver = true;
        if (page != null) {
            page.close();
            page = null;
        }
    }
}
