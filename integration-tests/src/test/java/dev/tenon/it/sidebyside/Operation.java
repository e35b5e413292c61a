package dev.tenon.it.sidebyside;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a host is told to do.
 *
 * @param function one of {@code PVE::Storage}
 * @param arguments those after the configuration: text, whole numbers and null
 */
record Operation(String function, List<@Nullable Object> arguments) {
    private static final Set<String> GIVES_GUEST = Set.of("vdisk_alloc", "vdisk_clone", "rename_volume");

    Operation {
        arguments = Collections.unmodifiableList(new ArrayList<>(arguments));
    }

    static Operation of(String function, @Nullable Object... arguments) {
        return new Operation(function, Arrays.asList(arguments));
    }

    /** The argument at this place, which must be there. */
    String text(int index) {
        return String.valueOf(Objects.requireNonNull(arguments.get(index), this::toString));
    }

    /** The argument at this place, if it is there. */
    Optional<String> optional(int index) {
        return index < arguments.size()
                ? Optional.ofNullable(arguments.get(index)).map(String::valueOf)
                : Optional.empty();
    }

    long number(int index) {
        return Long.parseLong(text(index));
    }

    /** The volume that it is about, empty if it names none. */
    Optional<String> volid() {
        return arguments.stream()
                .filter(argument -> argument instanceof String text && text.contains(":"))
                .map(String::valueOf)
                .findFirst();
    }

    /** The guests that it is about. */
    Set<String> guests() {
        Set<String> guests = new TreeSet<>();
        volid().filter(volid -> volid.matches(".*[:/]\\d+/[^/]+")).ifPresent(volid -> {
            String directory = volid.substring(0, volid.lastIndexOf('/'));
            guests.add(directory.replaceFirst(".*[:/]", ""));
        });
        if (GIVES_GUEST.contains(function)) {
            guests.add(text(1));
        }
        return guests;
    }

    /** As the Perl programs read it. */
    String json() {
        List<@Nullable Object> line = new ArrayList<>();
        line.add(function);
        line.addAll(arguments);
        try {
            return JSON.std.asString(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return function + arguments;
    }
}
