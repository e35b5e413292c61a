package dev.tenon.core.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A report as JSON. */
final class JsonReport {
    /** Rises when a reader of an earlier one would misunderstand. */
    private static final int VERSION = 1;

    private JsonReport() {}

    static String of(Report report) throws IOException {
        Map<String, Object> top = new LinkedHashMap<>();
        top.put("version", VERSION);
        top.put("verdict", report.verdict().toString());
        top.put("reasons", report.reasons());
        top.put("old", report.about().old());
        top.put("new", report.about().candidate());
        top.put("begin", report.about().begin().toString());
        top.put("end", report.about().end().toString());
        top.put("seed", report.about().seed());
        top.put("command", report.about().command());
        top.put("facts", report.about().facts());
        top.put("total", cell(report.total()));
        List<Object> matrix = new ArrayList<>();
        report.matrix().forEach((place, cell) -> {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("method", place.method());
            row.put("storage", place.storage());
            row.putAll(cell(cell));
            matrix.add(row);
        });
        top.put("matrix", matrix);
        top.put(
                "unexplained",
                report.mismatches().stream().map(JsonReport::mismatch).toList());
        top.put(
                "explained",
                report.explained().stream().map(JsonReport::explained).toList());
        top.put("stale", report.stale().stream().map(JsonReport::rule).toList());
        Map<String, Object> times = new LinkedHashMap<>();
        report.times().forEach((method, time) -> times.put(method, times(time)));
        top.put("milliseconds", times);
        return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(top) + "\n";
    }

    private static Map<String, Object> cell(Report.Cell cell) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("calls", cell.calls());
        map.put("equal", cell.equal());
        map.put("noise", cell.noise());
        map.put("explained", cell.explained());
        map.put("unexplained", cell.unexplained());
        return map;
    }

    private static Map<String, Object> mismatch(Report.Mismatch mismatch) {
        Compared.Question question = mismatch.question();
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("method", question.method());
        map.put("storage", question.storage() == null ? "" : question.storage().value());
        map.put("arguments", question.arguments());
        map.put("field", mismatch.difference().field());
        map.put("subject", mismatch.difference().subject());
        map.put("old", mismatch.difference().old());
        map.put("new", mismatch.difference().candidate());
        map.put("calls", mismatch.count());
        return map;
    }

    private static Map<String, Object> explained(Report.Explained explained) {
        Map<String, Object> map = rule(explained.rule());
        map.put("call", explained.question().toString());
        map.put("old", explained.difference().old());
        map.put("new", explained.difference().candidate());
        map.put("differences", explained.count());
        return map;
    }

    private static Map<String, Object> rule(Rule rule) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("method", rule.method());
        map.put("field", rule.field());
        map.put("storage", rule.storage() == null ? "" : rule.storage());
        map.put("reason", rule.reason());
        map.put("owner", rule.owner());
        return map;
    }

    private static Map<String, Object> times(Report.Times times) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("old p50", millis(times.oldP50()));
        map.put("old p99", millis(times.oldP99()));
        map.put("new p50", millis(times.candidateP50()));
        map.put("new p99", millis(times.candidateP99()));
        return map;
    }

    private static double millis(Duration time) {
        return Math.round(time.toNanos() / 1e3) / 1e3;
    }
}
