package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.cli.host.PluginHash;
import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.ReportFiles;
import dev.tenon.core.compare.Results;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Shadow;
import dev.tenon.core.route.Router;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import dev.tenon.web.SeenComparison;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The new plugins of a daemon, beside the old ones, and which of the two makes which call. */
public final class Shadows implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Shadows.class);

    private final Map<String, StoragePlugin> types;
    private final Map<String, One> all = new TreeMap<>();
    private final Places places;

    /**
     * Where files go, those of each type under its name.
     *
     * @param reports on what the new plugins say
     * @param routes who makes which call, kept over restarts
     */
    public record Places(Path reports, Path routes) {}

    /** A new plugin, and the old one of its type. */
    record One(String type, String candidate, Shadow shadow, Results results, Instant begin, Router router) {}

    /**
     * Begins.
     *
     * @param wanted the new plugin of each storage type that gets one, a file or a type
     * @throws IOException if nobody answers for a type, a new plugin cannot be had, or routes cannot be read; the message
     *     says which
     */
    public static Shadows of(Host host, Map<String, String> wanted, Rules rules, Places places) throws IOException {
        Shadows shadows = new Shadows(host.types(), places);
        try {
            for (Map.Entry<String, String> entry : wanted.entrySet()) {
                shadows.add(host, entry.getKey(), entry.getValue(), rules);
            }
        } catch (IOException | RuntimeException e) {
            shadows.all.values().forEach(one -> one.shadow().close());
            throw e;
        }
        return shadows;
    }

    private Shadows(Map<String, StoragePlugin> types, Places places) {
        this.types = new TreeMap<>(types);
        this.places = places;
    }

    private void add(Host host, String type, String candidate, Rules rules) throws IOException {
        StoragePlugin old = types.get(type);
        if (old == null) {
            throw new IOException("there is no storage type '" + type + "' to be shadowed; there are "
                    + String.join(", ", types.keySet()));
        }
        Results results = new Results(rules);
        StoragePlugin plugin = host.plugin(candidate);
        Shadow shadow = new Shadow(old, plugin, rules, Shadow.Settings.USUAL, results);
        try {
            Router router = new Router(
                    type, old, host.inEarnest(plugin), shadow, places.routes().resolve(type + ".json"));
            types.put(type, router.plugin());
            all.put(type, new One(type, candidate, shadow, results, Instant.now(), router));
            LOG.info("event=shadowed type={} by={} routes=\"{}\"", type, candidate, router.routes());
        } catch (IOException | RuntimeException e) {
            shadow.close();
            throw e;
        }
    }

    /** Who answers for which type: those with a new plugin have it. */
    public Map<String, StoragePlugin> types() {
        return Collections.unmodifiableMap(types);
    }

    /** What people may ask while the daemon runs. */
    public Map<String, ServedPlugins.Request> requests() {
        return Map.of(RouteRequest.NAME, new RouteRequest(all), ShadowCommand.REQUEST, this::report);
    }

    /** What has been compared by now, for whoever looks while the daemon runs. */
    public List<SeenComparison> seen() {
        return all.values().stream()
                .map(one -> {
                    Shadow.Counts counts = one.shadow().counts();
                    Report.About about = new Report.About(
                            one.type(), one.candidate(), new TreeMap<>(), one.begin(), Instant.now(), 0, "");
                    return new SeenComparison(
                            one.type(),
                            one.candidate(),
                            one.router().routes(),
                            counts,
                            one.results().report(about, notCompared(counts)));
                })
                .toList();
    }

    /** Those of one type, or of all. */
    static Map<String, One> chosen(Map<String, One> all, Map<String, String> words) {
        String type = words.get("type");
        if (type == null) {
            return all;
        }
        One one = all.get(type);
        if (one == null) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "the storage type '" + type + "' has no new plugin; "
                            + (all.isEmpty()
                                    ? "start the daemon with --shadow " + type + "=P to give it one"
                                    : "those that have one are " + String.join(", ", all.keySet())));
        }
        return Map.of(type, one);
    }

    /** Writes the reports on what was compared by now, and tells what they say. */
    private String report(Map<String, String> words) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            for (One one : chosen(all, words).values()) {
                Report report = write(one);
                Map<String, Object> said = new LinkedHashMap<>();
                said.put("new", one.candidate());
                said.put("verdict", report.verdict().toString());
                said.put("reasons", report.reasons());
                said.put("calls", report.total().calls());
                said.put("equal", report.total().equal());
                said.put("noise", report.total().noise());
                said.put("explained", report.total().explained());
                said.put("unexplained", report.total().unexplained());
                said.put("report", directory(one).toString());
                answer.put(one.type(), said);
            }
            return JSON.std.asString(answer);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, "no report was written: " + e.getMessage(), e);
        }
    }

    private Path directory(One one) {
        return places.reports().resolve(one.type()).toAbsolutePath();
    }

    private Report write(One one) throws IOException {
        Report report =
                one.results().report(about(one), notCompared(one.shadow().counts()));
        ReportFiles.write(report, directory(one));
        return report;
    }

    /** Ends and writes the reports. The log says which could not be written. */
    @Override
    public void close() {
        for (One one : all.values()) {
            one.shadow().close();
            LOG.info(
                    "event=shadow-ended type={} counts=\"{}\"",
                    one.type(),
                    one.shadow().counts());
            try {
                write(one);
            } catch (IOException e) {
                LOG.error("event=shadow-report-lost directory={} reason=\"{}\"", directory(one), e.getMessage());
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
