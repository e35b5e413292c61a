package dev.tenon.core.compare;

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
    @Override
    public String toString() {
        return field + (subject.isEmpty() ? "" : " of '" + subject + "'") + ": " + old + " and " + candidate;
    }
}
