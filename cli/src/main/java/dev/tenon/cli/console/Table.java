package dev.tenon.cli.console;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rows under a header, aligned by the width that their characters have on a terminal. */
public final class Table {
    private static final String GAP = "  ";
    private static final String BOLD = "1";

    /**
     * One column.
     *
     * @param isNumber whether its cells are aligned at their end
     * @param styles the colours of certain words
     */
    private record Column(String heading, boolean isNumber, Map<String, String> styles) {}

    private final List<Column> columns = new ArrayList<>();
    private final List<List<String>> rows = new ArrayList<>();

    public Table text(String heading) {
        return text(heading, Map.of());
    }

    /**
     * A column in which some words have a colour.
     *
     * @param styles word to ANSI style
     */
    public Table text(String heading, Map<String, String> styles) {
        columns.add(new Column(heading, false, styles));
        return this;
    }

    public Table number(String heading) {
        columns.add(new Column(heading, true, Map.of()));
        return this;
    }

    /** A further row with one cell for every column; null is shown as {@code -}. */
    public void row(@Nullable String... cells) {
        if (cells.length != columns.size()) {
            throw new IllegalArgumentException(cells.length + " cells for " + columns.size() + " columns");
        }
        rows.add(Arrays.stream(cells)
                .map(cell -> cell == null || cell.isEmpty() ? "-" : printable(cell))
                .toList());
    }

    /** Prints the header, even if there are no rows. */
    public void print(PrintWriter out, Terminal terminal) {
        int[] widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            widths[i] = columns.get(i).heading().length();
            for (List<String> row : rows) {
                widths[i] = Math.max(widths[i], width(row.get(i)));
            }
        }
        List<String> headings = columns.stream().map(Column::heading).toList();
        out.println(terminal.paint(BOLD, line(headings, widths, new Terminal(false, 0, false))));
        rows.forEach(row -> out.println(line(row, widths, terminal)));
    }

    private String line(List<String> cells, int[] widths, Terminal terminal) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            Column column = columns.get(i);
            String cell = cells.get(i);
            String padding = " ".repeat(widths[i] - width(cell));
            String style = column.styles().get(cell);
            String shown = style == null ? cell : terminal.paint(style, cell);
            line.append(i == 0 ? "" : GAP).append(column.isNumber() ? padding + shown : shown + padding);
        }
        return line.toString().stripTrailing();
    }

    /** Names come from everywhere: one that moves the cursor must not. */
    static String printable(String text) {
        if (text.chars().noneMatch(Character::isISOControl)) {
            return text;
        }
        StringBuilder shown = new StringBuilder();
        text.chars().forEach(c -> {
            if (c == '\n') {
                shown.append("\\n");
            } else if (Character.isISOControl(c)) {
                shown.append(String.format(Locale.ROOT, "\\u%04x", c));
            } else {
                shown.append((char) c);
            }
        });
        return shown.toString();
    }

    /** How many columns the text takes on a terminal. */
    static int width(String text) {
        return text.codePoints().map(Table::width).sum();
    }

    private static int width(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
            default -> isWide(codePoint) ? 2 : 1;
        };
    }

    /** What Unicode calls wide: the ideographs of East Asia with what belongs to them, and pictures. */
    private static boolean isWide(int codePoint) {
        return (codePoint >= 0x1100 && codePoint <= 0x115f)
                || (codePoint >= 0x2e80 && codePoint <= 0xa4cf && codePoint != 0x303f)
                || (codePoint >= 0xac00 && codePoint <= 0xd7a3)
                || (codePoint >= 0xf900 && codePoint <= 0xfaff)
                || (codePoint >= 0xfe30 && codePoint <= 0xfe6f)
                || (codePoint >= 0xff00 && codePoint <= 0xff60)
                || (codePoint >= 0xffe0 && codePoint <= 0xffe6)
                || (codePoint >= 0x1f300 && codePoint <= 0x1faff)
                || (codePoint >= 0x20000 && codePoint <= 0x3fffd);
    }
}
