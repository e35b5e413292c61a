package dev.tenon.web;

import dev.tenon.bridge.serve.Overview;
import dev.tenon.core.compare.Report;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.host.CallStatistics;
import dev.tenon.host.RunningTransfers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Figures for Prometheus, in its text format 0.0.4. Labels have the names of storages of the configuration, of storage
 * types, of methods and of errors, so what callers do makes no new series.
 */
final class Metrics {
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final double NANOS = 1e9;

    private final Node node;

    Metrics(Node node) {
        this.node = node;
    }

    byte[] bytes() throws IOException {
        Text text = new Text();
        Overview overview = node.overview().get();
        List<CallStatistics.Row> calls = node.observation().calls().rows();
        text.family("tenon_uptime_seconds", "gauge", "For how long the daemon has been listening.");
        text.sample("tenon_uptime_seconds", seconds(overview.uptime()));
        calls(text, calls);
        storages(text, node.storages());
        plugins(text, overview);
        transfers(text, node.observation().transfers().rows());
        comparisons(text, node.comparisons().get());
        return text.bytes();
    }

    private static void calls(Text text, List<CallStatistics.Row> calls) {
        text.family("tenon_call_seconds", "summary", "How long calls of the last five to ten minutes took.");
        for (CallStatistics.Row row : calls) {
            quantile(text, row, "0.5", row.recent().p50());
            quantile(text, row, "0.99", row.recent().p99());
            quantile(text, row, "0.999", row.recent().p999());
            text.sample("tenon_call_seconds_sum", seconds(row.total()), "type", row.type(), "method", row.method());
            text.sample("tenon_call_seconds_count", row.calls(), "type", row.type(), "method", row.method());
        }
        text.family("tenon_call_longest_seconds", "gauge", "The longest of those calls.");
        for (CallStatistics.Row row : calls) {
            text.sample(
                    "tenon_call_longest_seconds",
                    seconds(row.recent().longest()),
                    "type",
                    row.type(),
                    "method",
                    row.method());
        }
        text.family("tenon_call_errors_total", "counter", "Calls that failed.");
        for (CallStatistics.Row row : calls) {
            row.errors()
                    .forEach((error, count) -> text.sample(
                            "tenon_call_errors_total",
                            count,
                            "type",
                            row.type(),
                            "method",
                            row.method(),
                            "error",
                            error));
        }
    }

    private static void quantile(Text text, CallStatistics.Row row, String quantile, Duration time) {
        text.sample(
                "tenon_call_seconds",
                row.recent().calls() == 0 ? Double.NaN : seconds(time),
                "type",
                row.type(),
                "method",
                row.method(),
                "quantile",
                quantile);
    }

    private void storages(Text text, List<Node.Configured> storages) {
        text.family("tenon_storage_active", "gauge", "Whether a storage last said that it can be used.");
        for (Node.Configured one : storages) {
            seen(one)
                    .ifPresent(seen -> text.sample(
                            "tenon_storage_active",
                            seen.status() instanceof StorageStatus.Active ? 1 : 0,
                            "storage",
                            one.storage().id().value(),
                            "type",
                            one.storage().config().type()));
        }
        text.family("tenon_storage_status_age_seconds", "gauge", "How long ago a storage said that.");
        for (Node.Configured one : storages) {
            seen(one)
                    .ifPresent(seen -> text.sample(
                            "tenon_storage_status_age_seconds",
                            seconds(seen.age()),
                            "storage",
                            one.storage().id().value()));
        }
        text.family(
                "tenon_storage_silent_seconds",
                "gauge",
                "For how long a storage has been asked in vain; 0 if it answers.");
        for (Node.Configured one : storages) {
            if (one.isEnabled()) {
                StorageId id = one.storage().id();
                Duration silence = node.observation().statuses().silence(id).orElse(Duration.ZERO);
                text.sample("tenon_storage_silent_seconds", seconds(silence), "storage", id.value());
            }
        }
        text.family("tenon_storage_bytes", "gauge", "The room of a storage.");
        for (Node.Configured one : storages) {
            Optional<Statuses.Seen> last = seen(one);
            if (last.isPresent() && last.get().status() instanceof StorageStatus.Active active) {
                String id = one.storage().id().value();
                text.sample("tenon_storage_bytes", active.total().bytes(), "storage", id, "of", "total");
                text.sample("tenon_storage_bytes", active.used().bytes(), "storage", id, "of", "used");
                text.sample("tenon_storage_bytes", active.available().bytes(), "storage", id, "of", "available");
            }
        }
    }

    private Optional<Statuses.Seen> seen(Node.Configured one) {
        return one.isEnabled() ? node.observation().statuses().of(one.storage().id()) : Optional.empty();
    }

    private static void plugins(Text text, Overview overview) {
        text.family("tenon_plugin_members", "gauge", "Processes that make the calls of a Perl plugin.");
        overview.plugins()
                .forEach(plugin ->
                        text.sample("tenon_plugin_members", plugin.processes().size(), "type", plugin.type()));
        text.family("tenon_plugin_waiting", "gauge", "Calls that wait for one of them.");
        overview.plugins()
                .forEach(plugin -> text.sample("tenon_plugin_waiting", plugin.waiting(), "type", plugin.type()));
        text.family("tenon_calls_inside", "gauge", "Calls that are inside a storage or wait to get there.");
        text.sample(
                "tenon_calls_inside",
                overview.storages().stream().mapToLong(Overview.Crowd::inside).sum(),
                "state",
                "inside");
        text.sample(
                "tenon_calls_inside",
                overview.storages().stream().mapToLong(Overview.Crowd::waiting).sum(),
                "state",
                "waiting");
        text.sample(
                "tenon_calls_inside",
                overview.storages().stream().mapToLong(Overview.Crowd::late).sum(),
                "state",
                "late");
    }

    private static void transfers(Text text, List<RunningTransfers.Row> transfers) {
        text.family("tenon_transfers", "gauge", "Volumes that are leaving or arriving.");
        long exports = transfers.stream().filter(RunningTransfers.Row::isExport).count();
        text.sample("tenon_transfers", exports, "way", "leaves");
        text.sample("tenon_transfers", transfers.size() - exports, "way", "arrives");
    }

    private static void comparisons(Text text, List<SeenComparison> comparisons) {
        text.family("tenon_compared_calls_total", "counter", "Calls that were compared with a new plugin.");
        for (SeenComparison seen : comparisons) {
            Report.Cell total = seen.report().total();
            compared(text, seen, "equal", total.equal());
            compared(text, seen, "noise", total.noise());
            compared(text, seen, "explained", total.explained());
            compared(text, seen, "unexplained", total.unexplained());
        }
    }

    private static void compared(Text text, SeenComparison seen, String result, int count) {
        text.sample("tenon_compared_calls_total", count, "type", seen.type(), "result", result);
    }

    private static double seconds(Duration time) {
        return time.toNanos() / NANOS;
    }

    /** The text format. */
    private static final class Text {
        private final StringBuilder out = new StringBuilder(1 << 14);

        void family(String name, String type, String help) {
            out.append("# HELP ").append(name).append(' ').append(help).append('\n');
            out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        }

        void sample(String name, long value, String... labels) {
            line(name, Long.toString(value), labels);
        }

        void sample(String name, double value, String... labels) {
            line(name, Double.toString(value), labels);
        }

        private void line(String name, String value, String... labels) {
            out.append(name);
            for (int i = 0; i < labels.length; i += 2) {
                out.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
                out.append(labels[i + 1]
                        .replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n"));
                out.append('"');
            }
            out.append(labels.length == 0 ? " " : "} ").append(value).append('\n');
        }

        byte[] bytes() {
            return out.toString().getBytes(StandardCharsets.UTF_8);
        }
    }
}
