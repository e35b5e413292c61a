package dev.tenon.core.compare;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One thing in which two answers differ.
 *
 * @param field where, in the names of the answer's fields, for instance {@code volume.size}; {@code answer} if only one of
 *     them was answered, {@code error}, {@code outcome} or {@code text} if both failed, {@code order} for a list of the
 *     same volumes in another order, {@code volume} for a volume that only one of them lists
 * @param subject the volume or the key it is about; empty if it is about the whole answer
 * @param old what the old plugin says, as text; {@code (nothing)} for null or a missing value
 * @param candidate what the new one says
 */
public record Difference(String field, String subject, String old, String candidate) {
    /** What two differences of one kind may say differently: quoted names, numbers, names of volumes. */
    private static final Pattern VARYING = Pattern.compile("'[^']*'|\\S*[0-9]\\S*");

    /** What both say, without names and numbers. */
    String kind() {
        return VARYING.matcher(old + " " + candidate).replaceAll("*");
    }

    /** The field, and what it is about, as reports name it. */
    String place() {
        return subject.isEmpty() ? field : field + " of " + subject;
    }

    /** How far apart the two are if they are numbers, else infinitely. */
    double distance() {
        try {
            return Math.abs(Double.parseDouble(old) - Double.parseDouble(candidate));
        } catch (NumberFormatException e) {
            return Double.POSITIVE_INFINITY;
        }
    }

    /** Whether it is in the same place as one of these, whatever the values are. */
    boolean isAmong(List<Difference> others) {
        return in(others).isPresent();
    }

    /** The one of these in the same place. */
    Optional<Difference> in(List<Difference> others) {
        return others.stream()
                .filter(other -> other.field.equals(field) && other.subject.equals(subject))
                .findFirst();
    }

    @Override
    public String toString() {
        return field + (subject.isEmpty() ? "" : " of '" + subject + "'") + ": " + old + " and " + candidate;
    }
}
