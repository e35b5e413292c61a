package dev.tenon.core.config;

import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** What the JSON schema of a property says of its value: as much of it as PVE looks at in {@code storage.cfg}. */
final class Schema {
    private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+");
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(?:[0-9]+\\.[0-9]+|[0-9]+\\.|\\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?");

    private final Map<?, ?> attributes;

    private Schema(Map<?, ?> attributes) {
        this.attributes = attributes;
    }

    static Schema of(PropertySchema schema) {
        return new Schema(schema.attributes());
    }

    private static Schema of(@Nullable Object attributes) {
        return new Schema(attributes instanceof Map<?, ?> map ? map : Map.of());
    }

    private Optional<String> text(String keyword) {
        Object value = attributes.get(keyword);
        return value == null || value instanceof Map || value instanceof List
                ? Optional.empty()
                : Optional.of(String.valueOf(value));
    }

    private boolean isSet(String keyword) {
        return text(keyword)
                .filter(value -> !value.isEmpty() && !value.equals("0") && !value.equals("false"))
                .isPresent();
    }

    private String type() {
        return text("type").orElse("");
    }

    boolean isBoolean() {
        return type().equals("boolean");
    }

    /** Whether the property may have several lines. */
    boolean isArray() {
        return type().equals("array");
    }

    /** The schema of one value of it. */
    private Schema item() {
        return isArray() ? of(attributes.get("items")) : this;
    }

    /**
     * Checks one value.
     *
     * @throws BadValueException with the rule that it breaks
     */
    void check(String value) {
        item().checkSingle(value);
    }

    private void checkSingle(String value) {
        checkType(value);
        Object format = attributes.get("format");
        if (format != null) {
            try {
                if (format instanceof Map<?, ?> properties) {
                    propertyString(properties, value);
                } else {
                    PropertyFormats.check(String.valueOf(format), value);
                }
            } catch (BadValueException e) {
                throw new BadValueException("invalid format - " + e.getMessage());
            }
        }
        text("pattern").ifPresent(pattern -> checkPattern(pattern, value));
        checkLength(value);
        if (NUMBER.matcher(value).matches()) {
            checkLimits(new BigDecimal(value));
        }
        checkEnum(value);
    }

    private void checkType(String value) {
        boolean isOfType = switch (type()) {
            case "boolean" -> value.equals("0") || value.equals("1");
            case "integer" -> INTEGER.matcher(value).matches();
            case "number" -> NUMBER.matcher(value).matches();
            case "array", "object", "null" -> false;
            default -> true;
        };
        if (!isOfType) {
            throw new BadValueException("type check ('" + type() + "') failed - got " + Quoted.of(value));
        }
    }

    /** A pattern of Perl's that Java cannot read is left to the plugin. */
    private static void checkPattern(String pattern, String value) {
        Pattern compiled;
        try {
            compiled = Pattern.compile("^" + pattern + "$");
        } catch (PatternSyntaxException e) {
            return;
        }
        if (!compiled.matcher(value).find()) {
            throw new BadValueException("value " + Quoted.of(value) + " does not match the regex pattern " + pattern);
        }
    }

    private void checkLength(String value) {
        int length = value.codePointCount(0, value.length());
        limit("maxLength").ifPresent(max -> {
            if (length > max.intValue()) {
                throw new BadValueException("value may only be " + max + " characters long");
            }
        });
        limit("minLength").ifPresent(min -> {
            if (length < min.intValue()) {
                throw new BadValueException("value must be at least " + min + " characters long");
            }
        });
    }

    private void checkLimits(BigDecimal value) {
        limit("maximum").ifPresent(max -> {
            if (value.compareTo(max) > 0) {
                throw new BadValueException("value must have a maximum value of " + max + ", not " + value);
            }
        });
        limit("minimum").ifPresent(min -> {
            if (value.compareTo(min) < 0) {
                throw new BadValueException("value must have a minimum value of " + min + ", not " + value);
            }
        });
    }

    private Optional<BigDecimal> limit(String keyword) {
        return text(keyword).filter(text -> NUMBER.matcher(text).matches()).map(BigDecimal::new);
    }

    private void checkEnum(String value) {
        if (attributes.get("enum") instanceof List<?> known
                && known.stream().map(String::valueOf).noneMatch(value::equals)) {
            List<String> words = known.stream().map(String::valueOf).toList();
            throw new BadValueException("value " + Quoted.of(value) + " does not have a value in the enumeration '"
                    + String.join(", ", words) + "'");
        }
    }

    /** The value as PVE keeps it: numbers lose signs and zeros that say nothing. */
    String normalized(String value) {
        return switch (type()) {
            case "integer" -> new BigInteger(value).toString();
            case "number" -> {
                BigDecimal number = new BigDecimal(value).stripTrailingZeros();
                yield number.signum() == 0 ? "0" : number.toPlainString();
            }
            default -> value;
        };
    }

    /**
     * The parts of a value of the form {@code key=value,...}, checked.
     *
     * @throws BadValueException with the rule that it breaks
     */
    static Map<String, String> propertyString(Map<?, ?> format, String value) {
        Map<String, String> found = new LinkedHashMap<>();
        for (String part : value.split(",", -1)) {
            if (part.isBlank()) {
                continue;
            }
            int equals = part.indexOf('=');
            String key;
            String text;
            if (equals > 0 && equals < part.length() - 1) {
                String written = part.substring(0, equals);
                key = of(format.get(written)).text("alias").orElse(written);
                text = part.substring(equals + 1);
            } else if (equals < 0) {
                key = defaultKey(format);
                text = part;
            } else {
                throw new BadValueException("missing key in comma-separated list property: " + Quoted.of(part));
            }
            if (!format.containsKey(key)) {
                throw new BadValueException("invalid key in comma-separated list property: " + Quoted.of(key));
            }
            if (found.containsKey(key)) {
                throw new BadValueException("duplicate key in comma-separated list property: " + Quoted.of(key));
            }
            found.put(key, of(format.get(key)).isBoolean() ? truth(text) : text);
        }
        for (Object name : format.keySet()) {
            String key = String.valueOf(name);
            Schema schema = of(format.get(name));
            String text = found.get(key);
            if (text == null) {
                if (!schema.isSet("optional") && schema.text("alias").isEmpty()) {
                    throw new BadValueException(
                            "format error: " + key + ": property is missing and it is not optional");
                }
            } else {
                try {
                    schema.check(text);
                } catch (BadValueException e) {
                    throw new BadValueException("format error: " + key + ": " + e.getMessage());
                }
            }
        }
        return found;
    }

    private static String defaultKey(Map<?, ?> format) {
        return format.entrySet().stream()
                .filter(entry -> of(entry.getValue()).isSet("default_key"))
                .map(entry -> String.valueOf(entry.getKey()))
                .findFirst()
                .orElseThrow(
                        () -> new BadValueException("value without key, but schema does not define a default key"));
    }

    private static String truth(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "1", "on", "yes", "true" -> "1";
            case "0", "off", "no", "false" -> "0";
            default -> text;
        };
    }
}
