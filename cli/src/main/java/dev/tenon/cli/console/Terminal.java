package dev.tenon.cli.console;

/**
 * What standard output, or standard error, is connected to, as the start script found it.
 *
 * @param isPresent whether it is a terminal
 * @param width its columns; without a terminal there is no limit
 * @param isColoured whether it may get colours
 */
public record Terminal(boolean isPresent, int width, boolean isColoured) {
    /** A file, or a pipe. */
    public static final Terminal NONE = new Terminal(false, Integer.MAX_VALUE, false);

    /** The one of standard output. */
    public static Terminal ofOutput() {
        return of("tenon.columns");
    }

    /** The one of standard error. */
    public static Terminal ofErrors() {
        return of("tenon.error.columns");
    }

    private static Terminal of(String property) {
        String columns = System.getProperty(property, "");
        boolean isPresent = columns.matches("[1-9][0-9]{1,3}");
        return new Terminal(
                isPresent,
                isPresent ? Integer.parseInt(columns) : Integer.MAX_VALUE,
                isPresent && System.getenv("NO_COLOR") == null);
    }

    /**
     * The text in this style, if there are colours.
     *
     * @param style the numbers of an ANSI sequence, for instance {@code 1;36}
     */
    public String paint(String style, String text) {
        return isColoured ? "\u001b[" + style + "m" + text + "\u001b[0m" : text;
    }

    /** The text cut to one line. */
    public String cut(String text) {
        return text.length() > width ? text.substring(0, width - 3) + "..." : text;
    }
}
