package dev.tenon.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs several commands in one process, whether they succeed or not. The JVM archives its classes when it ends, so later
 * commands start with what these have loaded.
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
