package dev.tenon.tck;

import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * A test of the contract that was made.
 *
 * @param check the name of the test
 * @param variant what it was made with, for instance a format; empty if it is made once
 * @param calls the methods of PVE's API that it checks
 * @param otherwise what callers of a plugin do that fails it
 * @param why it failed, or what the plugin lacks for it; empty if it passed
 */
public record Checked(
        String check,
        String variant,
        Profile profile,
        List<String> calls,
        String otherwise,
        Result result,
        String why,
        Duration time) {
    /** What came of a test. */
    public enum Result {
        PASSED,
        FAILED,
        /** The plugin does not do what is tested; that it refuses this, another test checks. */
        NOT_SUPPORTED;

        /** As people read it. */
        public String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    public Checked {
        calls = List.copyOf(calls);
    }

    /** What is checked, as a sentence without a full stop. */
    public String sentence() {
        String words = check.replaceAll("(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    /** The test with what it was made with. */
    public String title() {
        return variant.isEmpty() ? sentence() : sentence() + " (" + variant + ")";
    }
}
