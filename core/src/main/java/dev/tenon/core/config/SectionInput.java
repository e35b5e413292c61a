package dev.tenon.core.config;

import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What somebody wants to have in the section of a storage: whether it may be there, and what is written for it. */
record SectionInput(StorageId id, StorageType type) {
    Secrets secrets(Map<String, String> given, Set<String> deleted) {
        Map<String, Optional<String>> changes = new TreeMap<>();
        for (String name : type.sensitive()) {
            String value = given.get(name);
            if (value != null) {
                changes.put(name, Optional.of(checkOne(name, value)));
            } else if (deleted.contains(name)) {
                changes.put(name, Optional.empty());
            }
        }
        return changes.isEmpty() ? Secrets.NONE : new Secrets(changes);
    }

    /** What is not sensitive, checked, as text and with the type, as plugins check it. */
    Map<String, Object> texts(Map<String, String> given) {
        Map<String, Object> texts = new LinkedHashMap<>();
        new TreeMap<>(given).forEach((name, value) -> {
            if (!type.sensitive().contains(name)) {
                String text = value.strip();
                texts.put(name, type.isArray(name) ? items(name, text) : checkOne(name, text));
            }
        });
        texts.put("type", type.plugin().type());
        return texts;
    }

    private List<String> items(String name, String text) {
        List<String> items = new ArrayList<>();
        for (String item : text.split("\0", -1)) {
            items.add(checkOne(name, item));
        }
        return items;
    }

    private String checkOne(String name, String value) {
        try {
            return type.check(name, value);
        } catch (BadValueException e) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, "storage '" + id + "': " + e.getMessage());
        }
    }

    /** Whatever the type does not have is refused: what somebody asks for is not left out silently. */
    Map<String, Object> check(Map<String, Object> texts, boolean isNew) {
        return Reading.check(id, type, texts, isNew, (name, text) -> {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "storage '" + id + "': property '" + name + "': " + text);
        });
    }

    Map<String, Object> decode(Map<String, Object> properties) {
        try {
            return type.decode(properties, (name, text) -> {});
        } catch (BadValueException e) {
            throw unwritable(e);
        }
    }

    Map<String, List<String>> encode(Map<String, Object> properties) {
        try {
            return type.encode(properties);
        } catch (BadValueException e) {
            throw unwritable(e);
        }
    }

    private StorageException unwritable(BadValueException e) {
        return StorageException.refused(StorageError.BAD_CONFIG, "storage '" + id + "': " + e.getMessage());
    }

    void refuseMissing(Map<String, List<String>> lines) {
        type.options().forEach((name, option) -> {
            if (!option.optional() && !lines.containsKey(name)) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + id + "': missing value for required option '" + name + "'");
            }
        });
    }

    void refuseFixed(Map<String, Object> texts) {
        for (String name : texts.keySet()) {
            PropertyOption option = type.options().get(name);
            if (option != null && option.fixed()) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + id + "': can't change value of fixed parameter '" + name + "'");
            }
        }
    }

    void refuseDeleting(Set<String> deleted, Map<String, Object> changes) {
        for (String name : new TreeSet<>(deleted)) {
            PropertyOption option = type.options().get(name);
            String reason = null;
            if (option == null) {
                reason = "no such option " + Quoted.of(name);
            } else if (!option.optional()) {
                reason = "unable to delete required option '" + name + "'";
            } else if (option.fixed()) {
                reason = "unable to delete fixed option '" + name + "'";
            } else if (changes.containsKey(name)) {
                reason = "cannot set and delete property '" + name + "' at the same time!";
            }
            if (reason != null) {
                throw StorageException.refused(StorageError.BAD_PARAMETER, reason);
            }
        }
    }
}
