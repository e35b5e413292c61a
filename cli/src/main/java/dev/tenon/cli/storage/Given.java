package dev.tenon.cli.storage;

import dev.tenon.core.spi.Quoted;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The words of a command that takes options which only a storage type knows.
 *
 * @param names the words that belong to no option
 * @param properties option to its value, empty if it has none
 */
record Given(List<String> names, Map<String, Optional<String>> properties) {
    private static final String OPTION = "--";

    /**
     * Takes words apart: {@code --NAME VALUE}, {@code --NAME=VALUE}, and {@code --NAME} before a further option or at the
     * end. No value is in a message: it may be a secret.
     *
     * @throws IllegalArgumentException with one sentence
     */
    static Given parse(List<String> words) {
        List<String> names = new ArrayList<>();
        Map<String, Optional<String>> properties = new LinkedHashMap<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!word.startsWith(OPTION)) {
                if (word.startsWith("-") && word.length() > 1) {
                    throw new IllegalArgumentException(
                            "unknown option " + Quoted.of(word.substring(0, 2)) + "; options are --PROPERTY VALUE");
                }
                names.add(word);
                continue;
            }
            int equals = word.indexOf('=');
            String name = word.substring(OPTION.length(), equals < 0 ? word.length() : equals);
            Optional<String> value = Optional.empty();
            if (equals >= 0) {
                value = Optional.of(word.substring(equals + 1));
            } else if (i + 1 < words.size() && !words.get(i + 1).startsWith(OPTION)) {
                i++;
                value = Optional.of(words.get(i));
            }
            if (name.isEmpty()) {
                throw new IllegalArgumentException("'--' is not a property; options are --PROPERTY VALUE");
            }
            if (properties.putIfAbsent(name, value) != null) {
                throw new IllegalArgumentException("the property " + Quoted.of(name) + " is given twice");
            }
        }
        return new Given(names, properties);
    }
}
