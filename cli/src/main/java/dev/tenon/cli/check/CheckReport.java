package dev.tenon.cli.check;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.report.JUnitXml;
import dev.tenon.core.report.Page;
import dev.tenon.core.report.WholeFiles;
import dev.tenon.tck.Checked;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** What the kit found, as a page, as JSON and in the XML of JUnit. */
final class CheckReport {
    /** Goes up when a reader of an earlier version would misunderstand. */
    private static final int VERSION = 1;

    private static final double MILLIS_OF_SECOND = 1e3;

    private final Findings findings;

    private CheckReport(Findings findings) {
        this.findings = findings;
    }

    static void write(Findings findings, Path directory) throws IOException {
        CheckReport report = new CheckReport(findings);
        WholeFiles.writeReport(directory, report.json(), report.xml(), report.html());
    }

    private String json() throws IOException {
        Map<String, Object> top = new LinkedHashMap<>();
        top.put("version", VERSION);
        top.put("verdict", findings.verdict());
        top.put("reasons", findings.reasons());
        top.put("plugin", findings.plugin());
        top.put("facts", findings.facts());
        top.put("features", findings.features().stream().map(CheckReport::json).toList());
        top.put("not supported", findings.notSupported());
        top.put("limits", findings.limits().limits().stream().map(this::json).toList());
        top.put("checks", findings.checks().stream().map(this::json).toList());
        return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(top) + "\n";
    }

    private static Map<String, Object> json(Findings.Feature feature) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("feature", feature.name());
        map.put("supported", feature.supported());
        map.put("unsupported", feature.unsupported());
        return map;
    }

    private Map<String, Object> json(Limits.Limit limit) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("check", limit.check());
        map.put("variant", limit.variant());
        map.put("reason", limit.reason());
        map.put("owner", limit.owner());
        map.put("is met", !findings.unmet().contains(limit));
        return map;
    }

    private Map<String, Object> json(Checked checked) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("check", checked.check());
        map.put("variant", checked.variant());
        map.put("profile", checked.profile().word());
        map.put("says", checked.sentence());
        map.put("calls", checked.calls());
        map.put("result", result(checked));
        map.put("why", checked.why());
        map.put("otherwise", checked.otherwise());
        map.put("milliseconds", checked.time().toMillis());
        return map;
    }

    private String result(Checked checked) {
        return isDeclared(checked) ? "failed as declared" : checked.result().word();
    }

    private boolean isDeclared(Checked checked) {
        return checked.result() == Checked.Result.FAILED && findings.limits().has(checked);
    }

    private String xml() {
        SequencedMap<String, List<JUnitXml.Case>> suites = new LinkedHashMap<>();
        findings.byProfile()
                .forEach((profile, checks) ->
                        suites.put(profile, checks.stream().map(this::xml).toList()));
        List<JUnitXml.Case> unmet = findings.unmet().stream()
                .map(limit -> new JUnitXml.Case(
                        limit.toString(),
                        List.of(new JUnitXml.Failure("a declared limit no longer applies", limit.reason()))))
                .toList();
        if (!unmet.isEmpty()) {
            suites.put("limits", unmet);
        }
        return JUnitXml.of(suites);
    }

    private JUnitXml.Case xml(Checked checked) {
        boolean isFailed = checked.result() == Checked.Result.FAILED && !isDeclared(checked);
        return new JUnitXml.Case(
                checked.title(),
                isFailed
                        ? List.of(new JUnitXml.Failure(
                                checked.why(), String.join(", ", checked.calls()) + "\n" + checked.otherwise()))
                        : List.of(),
                isFailed || checked.result() == Checked.Result.PASSED ? "" : result(checked) + ": " + checked.why(),
                checked.time().toMillis() / MILLIS_OF_SECOND);
    }

    private String html() {
        Page page = new Page("tenon check " + findings.plugin());
        Page.Tone tone = findings.declared().isEmpty() ? Page.Tone.GOOD : Page.Tone.MID;
        page.conclusion(findings.verdict(), findings.isPassed() ? tone : Page.Tone.BAD);
        page.paragraph("The plugin ", findings.plugin(), " against the contract of storage plugins");
        page.list(findings.reasons());
        failed(page, "What failed", findings.failures());
        failed(page, "What failed as it is declared to", findings.declared());
        limits(page);
        page.heading("What the plugin does");
        page.table("Feature", "Supported", "Not supported");
        for (Findings.Feature feature : findings.features()) {
            page.row();
            page.cell(feature.name());
            page.cell(String.join(", ", feature.supported()));
            page.cell(String.join(", ", feature.unsupported()));
            page.endRow();
        }
        page.endTable();
        if (!findings.notSupported().isEmpty()) {
            page.paragraph("What is not supported has to be refused with nothing done, which the checks above and below"
                    + " include. Tests were left out because:");
            page.list(findings.notSupported());
        }
        findings.byProfile().forEach((profile, checks) -> {
            page.heading("Profile " + profile);
            page.table("Check", "Calls", "Result", "Milliseconds");
            checks.forEach(checked -> row(page, checked));
            page.endTable();
        });
        page.heading("How it was checked");
        page.table("What", "Which");
        findings.facts().forEach(page::fact);
        page.endTable();
        return page.end();
    }

    private static void failed(Page page, String heading, List<Checked> checks) {
        if (checks.isEmpty()) {
            return;
        }
        page.heading(heading);
        page.table("Check", "Calls", "Why", "What callers do");
        for (Checked checked : checks) {
            page.row();
            page.cell(checked.title());
            page.code(String.join(", ", checked.calls()));
            page.code(checked.why());
            page.cell(checked.otherwise());
            page.endRow();
        }
        page.endTable();
    }

    private void limits(Page page) {
        if (findings.limits().limits().isEmpty()) {
            return;
        }
        page.heading("Declared limits");
        page.table("Limit", "Reason", "Owner", "Met");
        for (Limits.Limit limit : findings.limits().limits()) {
            boolean isUnmet = findings.unmet().contains(limit);
            page.row();
            page.cell(limit.toString());
            page.cell(limit.reason());
            page.cell(limit.owner());
            page.cell(isUnmet ? "no longer" : "yes", isUnmet ? Page.Tone.BAD : Page.Tone.PLAIN);
            page.endRow();
        }
        page.endTable();
    }

    private void row(Page page, Checked checked) {
        Page.Tone tone = switch (checked.result()) {
            case PASSED -> Page.Tone.GOOD;
            case FAILED -> isDeclared(checked) ? Page.Tone.MID : Page.Tone.BAD;
            case NOT_SUPPORTED -> Page.Tone.PLAIN;
        };
        page.row();
        page.cell(checked.title());
        page.code(String.join(", ", checked.calls()));
        page.cell(result(checked), tone);
        page.number(Math.toIntExact(checked.time().toMillis()));
        page.endRow();
    }
}
