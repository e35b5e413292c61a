package dev.tenon.cli.demo;

import dev.tenon.cli.console.Terminal;
import java.io.PrintWriter;

/** Prints the demonstration: coloured and cut to the width on a terminal, plain and whole in a pipe. */
final class Screen {
    private final PrintWriter out;
    private final Terminal terminal = Terminal.ofOutput();

    Screen(PrintWriter out) {
        this.out = out;
    }

    void heading(String text) {
        out.println();
        out.println(paint("1;36", text));
    }

    void line(String text) {
        out.println(cut(text));
        out.flush();
    }

    void call(String call, Answer answer) {
        out.println(cut("  " + call));
        ("    = " + answer.shown())
                .lines()
                .map(this::cut)
                .forEach(line -> out.println(answer.error() == null ? line : paint("33", line)));
        out.flush();
    }

    void row(boolean good, String call, String what) {
        out.println(paint(good ? "32" : "31", good ? "  agree  " : "  DIFFER ")
                + cut(String.format("%-52s %s", call, what)));
        out.flush();
    }

    void difference(String side, Answer answer) {
        out.println(paint("31", "           " + side + ": ") + answer.shown());
    }

    void dim(String text) {
        out.println(paint("2", cut(text)));
    }

    private String cut(String text) {
        return terminal.cut(text);
    }

    private String paint(String style, String text) {
        return terminal.paint(style, text);
    }
}
