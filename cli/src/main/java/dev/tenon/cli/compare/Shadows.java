package dev.tenon.cli.compare;

import dev.tenon.cli.host.PluginHash;
import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.ReportFiles;
import dev.tenon.core.compare.Results;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Shadow;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The shadows of a daemon: plugins that are asked what the daemon's own answer. */
public final class Shadows implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Shadows.class);

    private final Map<String, StoragePlugin> types;
    private final List<One> all = new ArrayList<>();
    private final Path reports;

    private record One(String type, String candidate, Shadow shadow, Results results, Instant begin) {}

    /**
     * Begins.
     *
     * @param wanted the new plugin of each storage type that gets a shadow, a file or a type
     * @param reports where a directory for each type gets the report when this is closed
     * @throws IOException if nobody answers for a type, or a new plugin cannot be had; the message says which
     */
    public static Shadows of(Host host, Map<String, String> wanted, Rules rules, Path reports) throws IOException {
        Shadows shadows = new Shadows(host.types(), reports);
        for (Map.Entry<String, String> entry : wanted.entrySet()) {
            shadows.add(host, entry.getKey(), entry.getValue(), rules);
        }
        return shadows;
    }

    private Shadows(Map<String, StoragePlugin> types, Path reports) {
        this.types = new TreeMap<>(types);
        this.reports = reports;
    }

    private void add(Host host, String type, String candidate, Rules rules) throws IOException {
        StoragePlugin old = types.get(type);
        if (old == null) {
            throw new IOException("there is no storage type '" + type + "' to be shadowed; there are "
                    + String.join(", ", types.keySet()));
        }
        Results results = new Results(rules);
        Shadow shadow = new Shadow(old, host.plugin(candidate), rules, Shadow.Settings.USUAL, results);
        types.put(type, shadow.plugin());
        all.add(new One(type, candidate, shadow, results, Instant.now()));
        LOG.info("event=shadowed type={} by={}", type, candidate);
    }

    /** Who answers for which type: those with a shadow have it. */
    public Map<String, StoragePlugin> types() {
        return Collections.unmodifiableMap(types);
    }

    /** Ends and writes the reports. The log says which could not be written. */
    @Override
    public void close() {
        for (One one : all) {
            one.shadow().close();
            Shadow.Counts counts = one.shadow().counts();
            LOG.info("event=shadow-ended type={} counts=\"{}\"", one.type(), counts);
            Path directory = reports.resolve(one.type());
            try {
                ReportFiles.write(one.results().report(about(one), notCompared(counts)), directory);
            } catch (IOException e) {
                LOG.error("event=shadow-report-lost directory={} reason=\"{}\"", directory, e.getMessage());
            }
        }
    }

    private static Report.About about(One one) throws IOException {
        SortedMap<String, String> facts = new TreeMap<>();
        facts.put("java", Runtime.version().toString());
        PluginHash.of(one.candidate()).ifPresent(hash -> facts.put("sha256 of the new plugin", hash));
        return new Report.About(
                one.type(),
                one.candidate(),
                facts,
                one.begin(),
                Instant.now(),
                0,
                "tenon serve --shadow " + one.type() + "=" + one.candidate());
    }

    private static List<String> notCompared(Shadow.Counts counts) {
        List<String> sentences = new ArrayList<>();
        sentences.add(counts.changes() + " calls changed something, and were made by the old plugin alone.");
        long missing = counts.reads() - counts.compared();
        if (missing > 0) {
            sentences.add(missing + " of " + counts.reads() + " calls that read were not compared: " + counts.dropped()
                    + " dropped, " + counts.late() + " too late, " + counts.overtaken() + " overtaken by a change, "
                    + counts.leftOut() + " left out.");
        }
        return sentences;
    }
}
