package dev.tenon.core.record;

import dev.tenon.core.decorator.Call;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a recording does not tell: the values of properties that the plugin calls sensitive, and if that is wanted, the names
 * of storages, of what their properties name, and of files that people have named. A name has the same stand-in in all of a
 * recording; the key that makes it is forgotten.
 */
final class Hiding {
    static final String LEFT_OUT = "(left out)";

    /** Those that PVE takes for sensitive where a plugin says nothing. */
    private static final Set<String> USUAL = Set.of("password", "keyring", "encryption-key", "master-pubkey");

    /** What keys are called under which secrets are, whatever the plugin says. */
    private static final Pattern TELLING =
            Pattern.compile("pass|secret|token|api.?key|credential|private", Pattern.CASE_INSENSITIVE);

    /** What one secret leaves of another must not be told. */
    private static final Comparator<String> LONGEST_FIRST =
            Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder());

    /** Properties whose values are words of PVE. */
    private static final Set<String> WORDS = Set.of(
            "type",
            "content",
            "format",
            "preallocation",
            "shared",
            "disable",
            "mkdir",
            "create-base-path",
            "create-subdirs",
            "is_mountpoint",
            "snapshot-as-volume-chain",
            "prune-backups",
            "max-protected-backups",
            "bwlimit",
            "content-dirs");

    /** Files that people name, with or without a storage before. */
    private static final Pattern NAMED =
            Pattern.compile("(.*\\b(?:iso|vztmpl|snippets|import)/)([^/]+?)((?:\\.[a-z0-9]{1,5}){0,2})");

    private static final int LEAST_SECRET = 4;
    private static final int DIGITS = 4;
    private static final int KEY = 32;

    private final Set<String> sensitive = new TreeSet<>(USUAL);
    private final byte @Nullable [] key;

    /**
     * For one recording.
     *
     * @param sensitive the properties that the plugins call so
     */
    Hiding(Set<String> sensitive, boolean mapsNames) {
        this.sensitive.addAll(sensitive);
        this.key = mapsNames ? newKey() : null;
    }

    private static byte[] newKey() {
        byte[] key = new byte[KEY];
        new SecureRandom().nextBytes(key);
        return key;
    }

    /** A call as it may be written down. */
    Map<String, @Nullable Object> of(Call<?> call, Map<String, @Nullable Object> line) {
        Set<String> keys = new TreeSet<>(sensitive);
        Set<String> values = new TreeSet<>(LONGEST_FIRST);
        call.argument(Secrets.class).ifPresent(secrets -> note(secrets, keys, values));
        call.argument(ConfigChange.class).ifPresent(change -> note(change.secrets(), keys, values));
        call.argument(Storage.class)
                .ifPresent(storage -> storage.config().properties().forEach((name, value) -> {
                    if (isSecret(name, keys)) {
                        noteTexts(value, values);
                    }
                }));
        // What is said of a type alone has the names of secrets, and none of them.
        boolean isOfType = call.storage() == null;
        Map<String, @Nullable Object> safe = map(
                line,
                name -> !isOfType && isSecret(name, keys),
                (name, text) -> isOfType && isSecret(name, keys) ? LEFT_OUT : withoutSecrets(text, values));
        return key == null ? safe : map(safe, name -> false, mapping(call, isOfNotes(safe)));
    }

    private static boolean isSecret(String name, Set<String> keys) {
        return keys.contains(name) || TELLING.matcher(name).find();
    }

    private static void noteTexts(@Nullable Object value, Set<String> texts) {
        switch (value) {
            case String text -> texts.add(text);
            case Map<?, ?> map -> map.values().forEach(each -> noteTexts(each, texts));
            case Collection<?> many -> many.forEach(each -> noteTexts(each, texts));
            case null, default -> {}
        }
    }

    private static void note(Secrets secrets, Set<String> keys, Set<String> values) {
        secrets.changes().forEach((key, value) -> {
            keys.add(key);
            value.ifPresent(values::add);
        });
    }

    private static String withoutSecrets(String text, Set<String> values) {
        String told = text;
        for (String value : values) {
            if (value.length() >= LEAST_SECRET) {
                told = told.replace(value, LEFT_OUT);
            } else if (told.equals(value)) {
                told = LEFT_OUT;
            }
        }
        return told;
    }

    private static boolean isOfNotes(Map<String, @Nullable Object> line) {
        return line.get("params") instanceof Map<?, ?> params && "notes".equals(params.get("attribute"));
    }

    private Told mapping(Call<?> call, boolean isOfNotes) {
        List<Replaced> everywhere = new ArrayList<>();
        StorageId storage = call.storage();
        if (storage != null) {
            everywhere.add(new Replaced(storage.value(), "storage-" + standIn(storage.value()), true));
        }
        call.argument(Storage.class)
                .ifPresent(known -> known.config().properties().forEach((key, value) -> {
                    if (!WORDS.contains(key)) {
                        noteNames(value, everywhere);
                    }
                }));
        call.argument(VolumeName.class)
                .map(VolumeName::value)
                .map(NAMED::matcher)
                .ifPresent(file -> {
                    if (file.matches()) {
                        everywhere.add(new Replaced(file.group(2), "name-" + standIn(file.group(2)), false));
                    }
                });
        everywhere.sort(Comparator.comparingInt(replaced -> -replaced.name().length()));
        return (key, text) -> {
            boolean isNote = key.equals("notes") || (isOfNotes && (key.equals("value") || key.equals("result")));
            return isNote ? "note-" + standIn(text) : withStandIns(key, text, everywhere);
        };
    }

    private String withStandIns(String key, String text, List<Replaced> everywhere) {
        String told = text;
        for (Replaced replaced : everywhere) {
            told = replaced.in(key, told);
        }
        Matcher file = NAMED.matcher(told);
        boolean isNew = file.matches() && !file.group(2).startsWith("name-");
        return isNew ? file.group(1) + "name-" + standIn(file.group(2)) + file.group(3) : told;
    }

    private void noteNames(Object value, List<Replaced> names) {
        switch (value) {
            case String text
            when text.length() > 2 ->
                names.add(new Replaced(text, (text.startsWith("/") ? "/path-" : "value-") + standIn(text), false));
            case Map<?, ?> map -> map.keySet().forEach(key -> noteNames(key, names));
            case List<?> list -> list.forEach(element -> noteNames(element, names));
            default -> {}
        }
    }

    private String standIn(String name) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(Objects.requireNonNull(key));
            return HexFormat.of().formatHex(digest.digest(name.getBytes(StandardCharsets.UTF_8)), 0, DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** A name and its stand-in. The word that names a storage may mean something else where it is no such name. */
    private record Replaced(String name, Pattern pattern, String other, boolean isStorage) {
        Replaced(String name, String other, boolean isStorage) {
            this(
                    name,
                    Pattern.compile("(?<![A-Za-z0-9])" + Pattern.quote(name) + "(?![A-Za-z0-9])"),
                    Matcher.quoteReplacement(other),
                    isStorage);
        }

        String in(String key, String text) {
            boolean isMeant = !isStorage || key.equals("storeid") || key.equals("text") || text.startsWith(name + ":");
            return isMeant ? pattern.matcher(text).replaceAll(other) : text;
        }
    }

    /** What is told instead of a text, by the key that it is under. */
    @FunctionalInterface
    private interface Told {
        String of(String key, String text);
    }

    private static Map<String, @Nullable Object> map(Map<?, ?> map, Predicate<String> isLeftOut, Told told) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
        map.forEach((key, value) -> result.put((String) key, tree((String) key, value, isLeftOut, told)));
        return result;
    }

    /** What is under a key that is left out is so as a whole: a number or a list may be a secret, too. */
    private static @Nullable Object tree(String key, @Nullable Object value, Predicate<String> isLeftOut, Told told) {
        return switch (value) {
            case null -> null;
            case Object _ when isLeftOut.test(key) -> LEFT_OUT;
            case String text -> told.of(key, text);
            case Map<?, ?> nodes
            when key.equals("nodes") -> {
                Map<String, @Nullable Object> result = new LinkedHashMap<>();
                nodes.forEach((name, is) -> result.put(told.of(key, (String) name), is));
                yield result;
            }
            case Map<?, ?> map -> map(map, isLeftOut, told);
            case List<?> list -> {
                List<@Nullable Object> result = new ArrayList<>();
                list.forEach(element -> result.add(tree(key, element, isLeftOut, told)));
                yield result;
            }
            default -> value;
        };
    }
}
