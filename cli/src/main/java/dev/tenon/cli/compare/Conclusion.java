package dev.tenon.cli.compare;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.compare.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tells what a report says, for people or as JSON. */
final class Conclusion {
    private Conclusion() {}

    static void show(Report report, PrintWriter out, Terminal terminal, JsonOption json) throws IOException {
        if (json.isGiven()) {
            Json.print(
                    out,
                    Json.object(
                            "verdict", report.verdict().toString(),
                            "reasons", report.reasons(),
                            "calls", report.total().calls(),
                            "equal", report.total().equal(),
                            "noise", report.total().noise(),
                            "explained", report.total().explained(),
                            "unexplained", report.mismatches().stream().map(Conclusion::json)));
            return;
        }
        Report.Cell total = report.total();
        out.println(total.calls() + " calls: " + total.equal() + " equal, " + total.noise() + " noise, "
                + total.explained() + " explained, " + total.unexplained() + " differ");
        if (!report.mismatches().isEmpty()) {
            out.println();
            Table table = new Table()
                    .text("METHOD")
                    .text("FIELD")
                    .text("OLD")
                    .text("NEW")
                    .number("CALLS")
                    .text("FIRST");
            report.mismatches()
                    .forEach(mismatch -> table.row(
                            mismatch.question().method(),
                            mismatch.difference().field(),
                            mismatch.difference().old(),
                            mismatch.difference().candidate(),
                            Integer.toString(mismatch.count()),
                            mismatch.question().toString()));
            table.print(out, terminal);
        }
        out.println();
        out.println(report.verdict() + ": " + String.join(" ", report.reasons()));
    }

    private static Map<String, @Nullable Object> json(Report.Mismatch mismatch) {
        return Json.object(
                "call", mismatch.question().toString(),
                "field", mismatch.difference().field(),
                "subject", mismatch.difference().subject(),
                "old", mismatch.difference().old(),
                "new", mismatch.difference().candidate(),
                "calls", mismatch.count());
    }
}
