package dev.tenon.proto;

import java.util.AbstractList;
import java.util.Iterator;
import java.util.Objects;

/**
 * A long list as it came, whose elements are read when somebody looks. It takes the room of its bytes, and whoever only
 * passes it on copies nothing: it is written as it is. That its bytes are values within the limits has been checked.
 */
final class EncodedList extends AbstractList<Value> {
    private final FrameCodec codec;
    private final byte[] frame;
    private final int begin;
    private final int end;
    private final int count;

    /**
     * Of bytes of a frame.
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

    /** One element; whoever wants more of them iterates. */
    @Override
    public Value get(int index) {
        Objects.checkIndex(index, count);
        Iterator<Value> elements = iterator();
        for (int i = 0; i < index; i++) {
            elements.next();
        }
        return elements.next();
    }

    /** Reads an element at a time, and keeps none. */
    @Override
    public Iterator<Value> iterator() {
        return codec.elements(frame, begin, end);
    }
}
