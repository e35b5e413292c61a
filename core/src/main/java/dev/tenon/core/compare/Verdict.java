package dev.tenon.core.compare;

/** Whether a team may move from the old plugin to the new one. */
public enum Verdict {
    /** Everything was compared, and nothing differs. */
    GO("GO"),
    /** Nothing differs but what a team has explained, or something was not compared. */
    GO_WITH_EXCEPTIONS("GO WITH EXCEPTIONS"),
    /** Something differs and nobody has said why, a rule has nothing to explain any more, or nothing was compared. */
    NO_GO("NO-GO");

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    @Override
    public String toString() {
        return words;
    }
}
