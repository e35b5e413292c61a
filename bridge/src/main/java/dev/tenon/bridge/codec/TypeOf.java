package dev.tenon.bridge.codec;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;

/**
 * A type with its arguments, at run time: {@code new TypeOf<List<String>>() {}}.
 *
 * @param <T> the type
 */
public abstract class TypeOf<T> {
    private final Type type = ((ParameterizedType) getClass().getGenericSuperclass()).getActualTypeArguments()[0];

    Type type() {
        return type;
    }
}
