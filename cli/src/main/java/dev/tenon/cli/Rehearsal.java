package dev.tenon.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs several commands in one process, whatever becomes of them. What a JVM that ends with an archive of its classes has
 * done once, the commands after it have done already.
 */
final class Rehearsal {
    private static final String NEXT = ";";

    private Rehearsal() {}

    /**
     * Runs the commands.
     *
     * @param args the words of each, with {@code ;} between one command and the next
     */
    public static void main(String[] args) {
        Surroundings surroundings = Surroundings.ofProcess();
        List<String> words = new ArrayList<>(Arrays.asList(args));
        while (!words.isEmpty()) {
            int end = words.contains(NEXT) ? words.indexOf(NEXT) : words.size();
            Tenon.run(surroundings, words.subList(0, end).toArray(String[]::new));
            words.subList(0, Math.min(end + 1, words.size())).clear();
        }
    }
}
