package dev.tenon.core.storage.directory;

import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The units of OVF manifests: those of DSP0004 ({@code byte * 2^20}), and the words that older programs write instead
 * ({@code MegaBytes}, {@code GB}). All of the words mean powers of 1024, as those programs count.
 */
final class OvfUnit {
    private static final String FACTOR = "\\*\\s*(\\d{1,10})\\s*(?:\\^\\s*(\\d{1,2})\\s*)?";
    private static final Pattern UNIT = Pattern.compile("\\s*([A-Za-z]+)\\s*((?:" + FACTOR + "){0,4})");
    private static final Pattern ONE_FACTOR = Pattern.compile(FACTOR);
    private static final Map<String, Integer> POWERS =
            Map.of("", 0, "kilo", 1, "mega", 2, "giga", 3, "tera", 4, "kibi", 1, "mebi", 2, "gibi", 3, "tebi", 4);
    private static final Map<String, Integer> SHORT_POWERS =
            Map.of("b", 0, "kb", 1, "mb", 2, "gb", 3, "tb", 4, "kib", 1, "mib", 2, "gib", 3, "tib", 4);
    private static final long STEP = 1024;

    private OvfUnit() {}

    /**
     * The bytes of so many of a unit.
     *
     * @return empty if the unit or the count is none, or the bytes are more than a long holds
     */
    static OptionalLong bytes(String count, String unit) {
        Matcher parts = UNIT.matcher(unit);
        if (!parts.matches() || !count.matches("\\d{1,18}")) {
            return OptionalLong.empty();
        }
        Integer power = power(parts.group(1).toLowerCase(Locale.ROOT));
        if (power == null) {
            return OptionalLong.empty();
        }
        try {
            long bytes = Math.multiplyExact(Long.parseLong(count), Math.powExact(STEP, power));
            for (Matcher factor = ONE_FACTOR.matcher(parts.group(2)); factor.find(); ) {
                int exponent = factor.group(2) == null ? 1 : Integer.parseInt(factor.group(2));
                bytes = Math.multiplyExact(bytes, Math.powExact(Long.parseLong(factor.group(1)), exponent));
            }
            return OptionalLong.of(bytes);
        } catch (ArithmeticException e) {
            return OptionalLong.empty();
        }
    }

    private static @Nullable Integer power(String word) {
        String singular = word.endsWith("s") ? word.substring(0, word.length() - 1) : word;
        return singular.endsWith("byte")
                ? POWERS.get(singular.substring(0, singular.length() - "byte".length()))
                : SHORT_POWERS.get(word);
    }
}
