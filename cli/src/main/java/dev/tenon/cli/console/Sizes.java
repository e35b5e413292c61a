package dev.tenon.cli.console;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write and read them. */
public final class Sizes {
    /** What is told of a size in the help of every command that takes one. */
    public static final String HELP =
            "a number with its unit: K, M, G, T or P (powers of 1024, as in KiB), or B for bytes";

    private static final Pattern SHAPE = Pattern.compile("([0-9]{1,19}(?:\\.[0-9]{1,19})?) ?([A-Za-z]*)");
    private static final List<String> UNITS = List.of("B", "K", "M", "G", "T", "P");
    private static final BigDecimal STEP = BigDecimal.valueOf(1024);

    private Sizes() {}

    /**
     * Reads a size such as {@code 4G}, {@code 1.5TiB} or {@code 512B}, with or without one blank before the unit. A number without a unit is refused, because one
     * command counts in bytes and the next in KiB; so is {@code GB}, which some take for a power of 1000.
     *
     * @throws IllegalArgumentException with one sentence that says what to write
     */
    public static ByteSize parse(String text) {
        Matcher matcher = SHAPE.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("size " + Quoted.of(text) + " is not " + HELP);
        }
        String number = matcher.group(1);
        String unit = matcher.group(2).toUpperCase(Locale.ROOT);
        if (unit.isEmpty()) {
            throw new IllegalArgumentException("size " + Quoted.of(text) + " has no unit; write " + number
                    + "B for bytes, " + number + "K for KiB, or M, G, T, P");
        }
        int power = UNITS.indexOf(unit.endsWith("IB") ? unit.substring(0, unit.length() - 2) : unit);
        if (power < 0 || (power == 0 && unit.endsWith("IB"))) {
            String first = unit.substring(0, 1);
            throw new IllegalArgumentException("size " + Quoted.of(text) + " has the unit '" + matcher.group(2) + "', "
                    + (unit.equals(first + "B") && UNITS.contains(first)
                            ? "which is doubtful; write " + number + first + " for powers of 1024"
                            : "which is none of K, M, G, T, P and B"));
        }
        BigDecimal bytes = new BigDecimal(number).multiply(STEP.pow(power)).stripTrailingZeros();
        if (bytes.scale() > 0) {
            throw new IllegalArgumentException("size " + Quoted.of(text) + " is not a whole number of bytes");
        }
        if (bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException("size " + Quoted.of(text) + " is larger than any storage");
        }
        return ByteSize.ofBytes(bytes.longValueExact());
    }
}
