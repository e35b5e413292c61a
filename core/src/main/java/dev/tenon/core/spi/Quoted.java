package dev.tenon.core.spi;

/** Puts untrusted text into an error message: quoted, on one line, of bounded length. */
public final class Quoted {
    private static final int LONGEST = 120;

    private Quoted() {}

    /** The text in single quotes; control characters as {@code \n} or {@code \}{@code u00XX}, cut after 120 characters. */
    public static String of(String text) {
        return "'" + inWords(text) + "'";
    }

    /** The same without the quotes, for PVE's own sentences that have none. */
    public static String inWords(String text) {
        StringBuilder out = new StringBuilder();
        int shown = Math.min(text.length(), LONGEST);
        for (int i = 0; i < shown; i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                out.append("\\n");
            } else if (Character.isISOControl(c)) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        if (shown < text.length()) {
            out.append("... (").append(text.length()).append(" characters)");
        }
        return out.toString();
    }
}
