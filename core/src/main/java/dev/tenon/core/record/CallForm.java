package dev.tenon.core.record;

import dev.tenon.core.compare.Answer;
import dev.tenon.core.decorator.Call;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a call and its answer are written down: as maps, lists, texts, numbers, booleans and null. */
public interface CallForm {
    /** A call, and what was answered. */
    record Made(Call<?> call, Answer answer) {}

    /**
     * Writes down a call: {@code method}, {@code params} by their names, and {@code result} or {@code error}. Functions and
     * caches that came with it are left out. It must be a call that can be made again.
     */
    Map<String, @Nullable Object> write(Call<?> call, Answer answer);

    /**
     * Reads what was written.
     *
     * @throws IOException if it is no such call; the message says what is wrong
     */
    Made read(Map<String, @Nullable Object> line) throws IOException;
}
