package dev.tenon.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TableTest {
    private static final Terminal PIPE = new Terminal(false, Integer.MAX_VALUE, false);

    private static String printed(Table table, Terminal terminal) {
        StringWriter text = new StringWriter();
        try (PrintWriter out = new PrintWriter(text)) {
            table.print(out, terminal);
        }
        return text.toString();
    }

    @Test
    void textBeginsAndNumbersEndInTheSameColumnWhateverTheScript() {
        Table table = new Table().text("NAME").number("SIZE").text("NOTES");
        table.row("plain", "9 B", null);
        table.row("日本語", "12.00 KiB", "e\u0301t\u00e9");
        table.row("cafe\u0301", "1 B", "x\ny\u001b[2J");

        assertThat(printed(table, PIPE)).isEqualTo("""
                        NAME         SIZE  NOTES
                        plain         9 B  -
                        日本語  12.00 KiB  e\u0301t\u00e9
                        cafe\u0301          1 B  x\\ny\\u001b[2J
                        """);
    }

    @Test
    void noRowsAreTheHeaderAlone() {
        assertThat(printed(new Table().text("NAME").number("SIZE"), PIPE)).isEqualTo("NAME  SIZE\n");
    }

    @Test
    void coloursAreForTerminalsAndDoNotMoveColumns() {
        Table table = new Table().text("STATUS", Map.of("active", "32")).text("NAME");
        table.row("active", "one");
        table.row("inactive", "two");

        assertThat(printed(table, new Terminal(true, 80, true)))
                .isEqualTo("\u001b[1mSTATUS    NAME\u001b[0m\n\u001b[32mactive\u001b[0m    one\ninactive  two\n");
        assertThat(printed(table, PIPE)).doesNotContain("\u001b");
    }
}
