package dev.tenon.web;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.Overview;
import dev.tenon.core.compare.Report;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.host.CallStatistics;
import dev.tenon.host.RunningTransfers;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the page shows, as JSON: sizes are bytes, times are seconds, and what is not known is missing. It is the page's own;
 * programs read {@code tenon status --json} and the metrics.
 */
final class StateDocument {
    private static final double NANOS = 1e9;

    /** More than anybody reads; the report has all. */
    private static final int MOST_DIFFERENCES = 50;

    private final Node node;
    private final Reports reports;

    StateDocument(Node node, Reports reports) {
        this.node = node;
        this.reports = reports;
    }

    /** The document as it is now. */
    byte[] bytes() throws IOException {
        Map<String, @Nullable Object> state = new LinkedHashMap<>();
        Overview overview = node.overview().get();
        state.put("pid", overview.pid());
        state.put("uptime", seconds(overview.uptime()));
        state.put(
                "before",
                overview.before().stream()
                        .map(Overview::pid)
                        .map(String::valueOf)
                        .toList());
        state.put("storages", node.storages().stream().map(this::storage).toList());
        state.put("problems", node.host().problems());
        state.put(
                "calls",
                node.observation().calls().rows().stream()
                        .map(StateDocument::calls)
                        .toList());
        state.put(
                "plugins",
                overview.plugins().stream().map(StateDocument::plugin).toList());
        state.put(
                "crowds", overview.storages().stream().map(StateDocument::crowd).toList());
        state.put(
                "transfers",
                node.observation().transfers().rows().stream()
                        .map(StateDocument::transfer)
                        .toList());
        state.put(
                "comparisons",
                node.comparisons().get().stream().map(StateDocument::comparison).toList());
        state.put("reports", reports.listed());
        return JSON.std.asBytes(state);
    }

    private static double seconds(Duration time) {
        return time.toNanos() / NANOS;
    }

    private Map<String, @Nullable Object> storage(Node.Configured configured) {
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        row.put("id", configured.storage().id().value());
        row.put("type", configured.storage().config().type());
        row.put("shared", configured.isShared());
        Optional<Statuses.Seen> seen =
                node.observation().statuses().of(configured.storage().id());
        row.put("state", configured.isEnabled() ? StorageState.of(seen).word() : "disabled");
        seen.ifPresent(last -> {
            row.put("age", seconds(last.age()));
            put(row, "problem", last.problem());
            switch (last.status()) {
                case StorageStatus.Active(ByteSize total, ByteSize available, ByteSize used) ->
                    sizes(row, total, available, used);
                case StorageStatus.Inactive(ByteSize total, ByteSize available, ByteSize used) ->
                    sizes(row, total, available, used);
                case null -> {
                    // it has failed
                }
            }
        });
        node.observation()
                .statuses()
                .silence(configured.storage().id())
                .ifPresent(silence -> row.put("silence", seconds(silence)));
        return row;
    }

    private static void sizes(
            Map<String, @Nullable Object> row,
            @Nullable ByteSize total,
            @Nullable ByteSize available,
            @Nullable ByteSize used) {
        put(row, "total", total == null ? null : total.bytes());
        put(row, "available", available == null ? null : available.bytes());
        put(row, "used", used == null ? null : used.bytes());
    }

    private static void put(Map<String, @Nullable Object> row, String name, @Nullable Object value) {
        if (value != null) {
            row.put(name, value);
        }
    }

    private static Map<String, Object> calls(CallStatistics.Row calls) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("type", calls.type());
        row.put("method", calls.method());
        row.put("calls", calls.calls());
        row.put("errors", calls.errors());
        row.put("recent", calls.recent().calls());
        row.put("p50", seconds(calls.recent().p50()));
        row.put("p99", seconds(calls.recent().p99()));
        row.put("longest", seconds(calls.recent().longest()));
        return row;
    }

    private static Map<String, Object> plugin(Overview.Plugin plugin) {
        return Map.of(
                "type", plugin.type(),
                "file", plugin.file(),
                "most", plugin.most(),
                "waiting", plugin.waiting(),
                "members",
                        plugin.processes().stream()
                                .map(member -> Map.of(
                                        "pid", member.pid(), "what", member.what(), "since", seconds(member.since())))
                                .toList());
    }

    private static Map<String, Object> crowd(Overview.Crowd crowd) {
        return Map.of(
                "type", crowd.plugin(),
                "storage", crowd.storage(),
                "long", crowd.areLong(),
                "inside", crowd.inside(),
                "waiting", crowd.waiting(),
                "late", crowd.late(),
                "oldest", seconds(crowd.oldest()));
    }

    private static Map<String, Object> transfer(RunningTransfers.Row transfer) {
        return Map.of(
                "number", transfer.number(),
                "volume", transfer.storage() + ":" + transfer.volume(),
                "way", transfer.isExport() ? "leaves" : "arrives",
                "since", seconds(transfer.since()),
                "moved", transfer.moved(),
                "expected", transfer.expected());
    }

    private static Map<String, Object> comparison(SeenComparison seen) {
        Report report = seen.report();
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("type", seen.type());
        row.put("new", seen.candidate());
        row.put("verdict", report.verdict().toString());
        row.put("reasons", report.reasons());
        Report.Cell total = report.total();
        row.put("compared", total.calls());
        row.put("equal", total.equal());
        row.put("noise", total.noise());
        row.put("explained", total.explained());
        row.put("unexplained", total.unexplained());
        row.put("reads", seen.counts().reads());
        row.put("changes", seen.counts().changes());
        row.put("dropped", seen.counts().dropped() + seen.counts().late());
        row.put(
                "routes",
                seen.routes().routes().stream()
                        .map(route -> Map.of(
                                "storage",
                                route.storage() == null
                                        ? "all"
                                        : route.storage().value(),
                                "method",
                                route.method() == null ? "all" : route.method(),
                                "way",
                                route.way().word(),
                                "since",
                                route.since().toString(),
                                "by",
                                route.isByHand() ? "hand" : "bounds",
                                "reason",
                                route.reason()))
                        .toList());
        List<Map<String, Object>> differences = new ArrayList<>();
        report.mismatches().stream()
                .limit(MOST_DIFFERENCES)
                .forEach(mismatch -> differences.add(Map.of(
                        "call", mismatch.question().toString(),
                        "field", mismatch.difference().field(),
                        "subject", mismatch.difference().subject(),
                        "old", mismatch.difference().old(),
                        "new", mismatch.difference().candidate(),
                        "count", mismatch.count())));
        row.put("differences", differences);
        row.put("more", Math.max(0, report.mismatches().size() - MOST_DIFFERENCES));
        return row;
    }
}
