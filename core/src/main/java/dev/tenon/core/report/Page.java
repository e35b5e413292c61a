package dev.tenon.core.report;

import java.time.Duration;
import java.util.Locale;

/** A report as one HTML page, which loads nothing and runs nothing. Text becomes text, whatever it holds. */
public final class Page {
    private static final String STYLE = """
            :root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #cf222e; --mid: #9a6700; }
            @media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --mid: #d29922; } }
            body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 70rem; padding: 0 1rem; }
            table { border-collapse: collapse; margin: 1rem 0; }
            th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
            td.n { text-align: right; font-variant-numeric: tabular-nums; }
            code { font: 14px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
            td:not(.n) { min-width: min(9rem, 38vw); }
            .scroll { overflow-x: auto; }
            .good { color: var(--good); } .bad { color: var(--bad); } .mid { color: var(--mid); }
            .bar { display: block; height: .5rem; min-width: 1px; background: currentColor; }
            """;

    private final StringBuilder out = new StringBuilder(1 << 14);

    /** What a colour says; words beside it say the same. */
    public enum Tone {
        PLAIN(""),
        GOOD("good"),
        BAD("bad"),
        MID("mid");

        private final String style;

        Tone(String style) {
            this.style = style;
        }
    }

    public Page(String title) {
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
                .append(escaped(title))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n<main>\n");
    }

    /** The conclusion, above all else. */
    public void conclusion(String text, Tone tone) {
        html("<h1><span class=\"" + tone.style + "\">" + escaped(text) + "</span></h1>");
    }

    public void heading(String text) {
        html("<h2>" + escaped(text) + "</h2>");
    }

    /** A paragraph; every second part is code. */
    public void paragraph(String... parts) {
        StringBuilder line = new StringBuilder("<p>");
        for (int i = 0; i < parts.length; i++) {
            line.append(i % 2 == 0 ? escaped(parts[i]) : "<code>" + escaped(parts[i]) + "</code>");
        }
        html(line.append("</p>").toString());
    }

    public void list(Iterable<String> items) {
        html("<ul>");
        items.forEach(item -> html("<li>" + escaped(item) + "</li>"));
        html("</ul>");
    }

    /** Begins a table with these heads. */
    public void table(String... heads) {
        out.append("<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead><tr>");
        for (String head : heads) {
            out.append("<th scope=\"col\">").append(escaped(head)).append("</th>");
        }
        html("</tr></thead>\n<tbody>");
    }

    public void endTable() {
        html("</tbody>\n</table>\n</div>");
    }

    public void row() {
        out.append("<tr>");
    }

    public void endRow() {
        html("</tr>");
    }

    public void code(String text) {
        out.append("<td><code>").append(escaped(text)).append("</code></td>");
    }

    public void cell(String text) {
        cell(text, Tone.PLAIN);
    }

    public void cell(String text, Tone tone) {
        out.append(tone == Tone.PLAIN ? "<td>" : "<td class=\"" + tone.style + "\">")
                .append(escaped(text))
                .append("</td>");
    }

    public void number(int number) {
        out.append("<td class=\"n\">").append(number).append("</td>");
    }

    /** In milliseconds. */
    public void number(Duration time) {
        out.append("<td class=\"n\">")
                .append(String.format(Locale.ROOT, "%.3f", time.toNanos() / 1e6))
                .append("</td>");
    }

    /** A cell with two bars, one above the other, in CSS pixels. */
    public void bars(long above, long below) {
        out.append("<td>");
        bar(above, "");
        bar(below, " good");
        out.append("</td>");
    }

    private void bar(long width, String style) {
        out.append("<span class=\"bar")
                .append(style)
                .append("\" style=\"width:")
                .append(width)
                .append("px\"></span>");
    }

    /** A row of a name and what it names. */
    public void fact(String name, String value) {
        row();
        cell(name);
        code(value);
        endRow();
    }

    /** The page, which is whole then. */
    public String end() {
        html("</main>\n</body>\n</html>");
        return out.toString();
    }

    private void html(String line) {
        out.append(line).append('\n');
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
