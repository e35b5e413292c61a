package dev.tenon.proto;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.ListIterator;
import java.util.Objects;

/**
 * A long list as it came, whose elements are read when they are used. It takes the room of its bytes, and is passed on
 * without a copy. Its bytes have been checked to be values within the limits.
 */
final class EncodedList extends AbstractList<Value> {
    private final FrameCodec codec;
    private final byte[] frame;
    private final int begin;
    private final int end;
    private final int count;

    /**
     * A list in the bytes of a frame.
     *
     * @param begin where the list begins, with its header
     * @param end where it has ended
     */
    EncodedList(FrameCodec codec, byte[] frame, int begin, int end, int count) {
        this.codec = codec;
        this.frame = frame;
        this.begin = begin;
        this.end = end;
        this.count = count;
    }

    byte[] frame() {
        return frame;
    }

    int begin() {
        return begin;
    }

    int length() {
        return end - begin;
    }

    @Override
    public int size() {
        return count;
    }

    /** One element; to read more of them, iterate. */
    @Override
    public Value get(int index) {
        Objects.checkIndex(index, count);
        Iterator<Value> elements = iterator();
        for (int i = 0; i < index; i++) {
            elements.next();
        }
        return elements.next();
    }

    /** The value at this place in the frame. */
    Value value(int from, int to, int depth) {
        return codec.value(frame, from, to, depth);
    }

    /** Passes on the text that each element has under a name. */
    void eachText(String name, Value.TextOf visitor) {
        byte[] key = name.getBytes(StandardCharsets.UTF_8);
        RecordBytes records = new RecordBytes(this);
        String last = "";
        int lastBegin = 0;
        int lastEnd = 0;
        for (int number = 0; number < count; number++) {
            String text = null;
            boolean isMap = records.next();
            while (isMap && records.nextEntry()) {
                if (records.valueKind() == RecordBytes.ValueKind.TEXT
                        && Arrays.equals(key, 0, key.length, frame, records.keyBegin(), records.keyEnd())) {
                    int from = records.textBegin();
                    int to = records.valueEnd();
                    text = Arrays.equals(frame, from, to, frame, lastBegin, lastEnd)
                            ? last
                            : new String(frame, from, to - from, StandardCharsets.UTF_8);
                    last = text;
                    lastBegin = from;
                    lastEnd = to;
                }
            }
            visitor.text(number, text);
        }
    }

    /** Reads all elements, for comparing and searching in both directions. */
    @Override
    public ListIterator<Value> listIterator(int index) {
        List<Value> elements = new ArrayList<>(count);
        iterator().forEachRemaining(elements::add);
        return Collections.unmodifiableList(elements).listIterator(index);
    }

    /** Reads an element at a time, and keeps none. */
    @Override
    public Iterator<Value> iterator() {
        return codec.elements(frame, begin, end);
    }
}
