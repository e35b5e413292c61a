package dev.tenon.core.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Lists that are written in one line, as PVE reads them everywhere. */
final class Words {
    private static final Pattern SEPARATORS = Pattern.compile("[,;\\s]+");

    private Words() {}

    /** The items of a list, which blanks, commas and semicolons separate, or NUL if there is one. */
    static List<String> of(String list) {
        String[] items = list.indexOf('\0') >= 0 ? list.split("\0", -1) : SEPARATORS.split(list);
        List<String> words = new ArrayList<>();
        for (String item : items) {
            if (!item.isEmpty()) {
                words.add(item);
            }
        }
        return words;
    }
}
