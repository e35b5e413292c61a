package dev.tenon.it.faulty;

import dev.tenon.core.compare.Questions;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Faults in what a plugin answers. */
final class FaultyAnswers {
    /** So often a method is called before its times are told. */
    private static final int FEWEST = 5;

    /** Of each method. */
    private static final class Seen {
        final Map<String, @Nullable Object> mutants = new TreeMap<>();
        int calls;
        boolean isRefused;
        boolean dependsOnStorage;
    }

    private FaultyAnswers() {}

    /** Of each field of each answer about a storage, and of each method that reads. */
    static List<Fault> all(StoragePlugin plugin, Storage storage) {
        Map<String, Seen> methods = new TreeMap<>();
        ask(
                Fault.around(
                        plugin,
                        call -> seen(methods.computeIfAbsent(call.method().getName(), ignored -> new Seen()), call)),
                storage);
        List<Fault> all = new ArrayList<>();
        methods.forEach((method, seen) -> {
            seen.mutants.keySet().forEach(what -> ofField(method, what).ifPresent(all::add));
            all.add(Fault.lateError(method, true));
            if (seen.isRefused) {
                all.add(Fault.otherText(method, true));
                all.add(Fault.otherError(method, true));
            }
            if (seen.dependsOnStorage) {
                all.add(Fault.otherStorage(method, true));
            }
            if (seen.calls >= FEWEST) {
                all.add(Fault.slow(method, true));
            }
        });
        return all;
    }

    private static void ask(StoragePlugin plugin, Storage storage) {
        Questions questions = new Questions(plugin, 1, 100);
        questions.askOfType();
        questions.ask(storage);
        questions.askWhatIsPruned(storage);
    }

    private static @Nullable Object seen(Seen seen, Fault.Called call) {
        seen.calls++;
        // What has nothing to do with volumes is the same of another storage.
        if (!seen.dependsOnStorage && call.args().stream().anyMatch(Storage.class::isInstance)) {
            seen.dependsOnStorage = !said(call).equals(said(call.besides()));
        }
        try {
            Object value = call.rightly();
            Mutants.of(value).forEach(seen.mutants::putIfAbsent);
            return value;
        } catch (StorageException e) {
            seen.isRefused = true;
            throw e;
        }
    }

    private static String said(Fault.Called call) {
        try {
            return Objects.toString(call.rightly());
        } catch (StorageException e) {
            return e.error() + " " + e.getMessage();
        }
    }

    private static Optional<Fault> ofField(String method, String what) {
        // A byte is less than what others move on the disk meanwhile.
        if (method.equals("status") && what.endsWith("off by one")) {
            return Optional.empty();
        }
        return Optional.of(new Fault(method, true, kind(what), what, call -> {
            Object value = call.rightly();
            Map<String, @Nullable Object> mutants = Mutants.of(value);
            return mutants.containsKey(what) ? mutants.get(what) : value;
        }));
    }

    private static Kind kind(String what) {
        String last = what.substring(what.lastIndexOf(": ") + 1).strip();
        return switch (last) {
            case "off by one" -> Kind.OFF_BY_ONE;
            case "other unit" -> Kind.OTHER_UNIT;
            case "other order" -> Kind.OTHER_ORDER;
            case "missing", "one missing" -> Kind.MISSING_FIELD;
            default -> last.startsWith("no ") ? Kind.MISSING_FIELD : Kind.OTHER_VALUE;
        };
    }
}
