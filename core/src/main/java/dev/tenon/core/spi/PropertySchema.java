package dev.tenon.core.spi;

import java.util.Map;

/**
 * The JSON schema of a configuration property that a plugin declares.
 *
 * @param attributes schema keyword to value ({@code type}, {@code description}, {@code format}, {@code enum}, ...), as
 *     decoded: text, lists and maps
 */
public record PropertySchema(Map<String, Object> attributes) {
    public PropertySchema {
        attributes = Map.copyOf(attributes);
    }
}
