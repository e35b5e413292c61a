package dev.tenon.core.compare;

import dev.tenon.core.report.Page;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/** A report as one page, which loads nothing and runs nothing. */
final class HtmlReport {
    private static final int WIDEST_BAR = 160;
    private static final int LONGEST = 240;

    private final Page page;
    private final Report report;

    private HtmlReport(Report report) {
        this.page = new Page(report.about().old() + " and " + report.about().candidate());
        this.report = report;
    }

    static String of(Report report) {
        return new HtmlReport(report).write();
    }

    private String write() {
        page.conclusion(report.verdict().toString(), tone(report.verdict()));
        page.paragraph("From ", report.about().old(), " to ", report.about().candidate());
        page.list(report.reasons());
        mismatches();
        stale();
        explained();
        matrix();
        times();
        facts();
        return page.end();
    }

    private static Page.Tone tone(Verdict verdict) {
        return switch (verdict) {
            case GO -> Page.Tone.GOOD;
            case GO_WITH_EXCEPTIONS -> Page.Tone.MID;
            case NO_GO -> Page.Tone.BAD;
        };
    }

    private void mismatches() {
        if (report.mismatches().isEmpty()) {
            return;
        }
        page.heading("Differences that nobody has explained");
        page.table("Call", "Field", "Old", "New", "Calls");
        for (Report.Mismatch mismatch : report.mismatches()) {
            Difference difference = mismatch.difference();
            page.row();
            page.code(mismatch.question().toString());
            page.code(difference.place());
            page.code(shortened(difference.old()));
            page.code(shortened(difference.candidate()));
            page.number(mismatch.count());
            page.endRow();
        }
        page.endTable();
    }

    private void stale() {
        if (report.stale().isEmpty()) {
            return;
        }
        page.heading("Rules that explain nothing any more");
        page.table("Rule", "Reason", "Owner");
        for (Rule rule : report.stale()) {
            page.row();
            page.code(rule.toString());
            page.cell(rule.reason());
            page.cell(rule.owner());
            page.endRow();
        }
        page.endTable();
    }

    private void explained() {
        if (report.explained().isEmpty()) {
            return;
        }
        page.heading("Differences that are explained");
        page.paragraph("Each with the first call that shows it, and with how many differences its rule explains.");
        page.table("Reason, and its owner", "Call, and what differs", "Old", "New", "Times");
        for (Report.Explained explained : report.explained()) {
            Difference difference = explained.difference();
            page.row();
            page.cell(explained.rule().reason() + " (" + explained.rule().owner() + ")");
            page.code(explained.question() + ": " + difference.place());
            page.code(shortened(difference.old()));
            page.code(shortened(difference.candidate()));
            page.number(explained.count());
            page.endRow();
        }
        page.endTable();
    }

    /** One value of many would be longer than all the rest of the page. */
    private static String shortened(String value) {
        return value.codePointCount(0, value.length()) <= LONGEST
                ? value
                : value.substring(0, value.offsetByCodePoints(0, LONGEST)) + " ... (all of it is in report.json)";
    }

    private void matrix() {
        page.heading("What was asked");
        page.paragraph(
                "Each cell tells how many calls were made, and of them how many answers were equal, moved by themselves"
                        + " (noise), are explained by a rule, or differ.");
        Set<String> storages = new TreeSet<>();
        report.matrix().keySet().forEach(place -> storages.add(place.storage()));
        String[] heads = new String[storages.size() + 1];
        heads[0] = "Method";
        int at = 1;
        for (String storage : storages) {
            heads[at++] = storage.isEmpty() ? "the type" : storage;
        }
        page.table(heads);
        for (Map.Entry<String, SortedMap<String, Report.Cell>> entry :
                report.byMethod().entrySet()) {
            page.row();
            page.code(entry.getKey());
            for (String storage : storages) {
                Report.Cell cell = entry.getValue().get(storage);
                if (cell == null) {
                    page.cell("");
                } else {
                    page.cell(words(cell), cell.unexplained() > 0 ? Page.Tone.BAD : Page.Tone.PLAIN);
                }
            }
            page.endRow();
        }
        page.endTable();
    }

    private static String words(Report.Cell cell) {
        StringBuilder words = new StringBuilder(cell.calls() + ": ");
        if (cell.equal() == cell.calls()) {
            return words.append("all equal").toString();
        }
        words.append(cell.equal()).append(" equal");
        append(words, cell.noise(), "noise");
        append(words, cell.explained(), "explained");
        append(words, cell.unexplained(), "differ");
        return words.toString();
    }

    private static void append(StringBuilder words, int count, String what) {
        if (count > 0) {
            words.append(", ").append(count).append(' ').append(what);
        }
    }

    private void times() {
        page.heading("How long calls took");
        page.paragraph(
                "In milliseconds: the median, and what one call of a hundred takes longer than. The bars are medians.");
        page.table("Method", "Old p50", "New p50", "Old p99", "New p99", "Old above new");
        long longest = 1;
        for (Report.Times times : report.times().values()) {
            longest = Math.max(
                    longest,
                    Math.max(times.oldP50().toNanos(), times.candidateP50().toNanos()));
        }
        for (Map.Entry<String, Report.Times> entry : report.times().entrySet()) {
            Report.Times times = entry.getValue();
            page.row();
            page.code(entry.getKey());
            page.number(times.oldP50());
            page.number(times.candidateP50());
            page.number(times.oldP99());
            page.number(times.candidateP99());
            page.bars(width(times.oldP50(), longest), width(times.candidateP50(), longest));
            page.endRow();
        }
        page.endTable();
    }

    private static long width(Duration time, long longest) {
        return time.toNanos() * WIDEST_BAR / longest;
    }

    private void facts() {
        Report.About about = report.about();
        page.heading("How it was compared");
        page.table("What", "Which");
        page.fact("from", about.begin().toString());
        page.fact("to", about.end().toString());
        page.fact("seed", Long.toString(about.seed()));
        about.facts().forEach(page::fact);
        page.fact("again", about.command());
        page.endTable();
    }
}
