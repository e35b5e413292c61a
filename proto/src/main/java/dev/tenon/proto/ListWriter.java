package dev.tenon.proto;

import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes a long list of records that is bytes from the start, so that it takes no room but theirs. Short text has a length of
 * one byte and a number eight bytes, whatever its size: a reader in Perl finds by one pattern that all is well.
 */
public final class ListWriter {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final int FIRST_BYTES = 1 << 14;
    private static final int LONGEST_HEADER = 5;
    private static final int SHORT_TEXT = 0xff;
    private static final int SHORT_MAP = 0x0f;

    /** After this many records their size is known well enough. */
    private static final int SAMPLE = 64;

    private static final int SPARE = 16;

    /** Where a value of a record is in a frame that answers with a list. */
    private static final int VALUE_DEPTH = 4;

    private final Map<String, byte[]> keys = new HashMap<>();
    private ByteBuffer bytes = ByteBuffer.allocate(FIRST_BYTES).position(LONGEST_HEADER);
    private int count;

    /**
     * Adds a record, which is not kept.
     *
     * @param left how many more will come; room is made for as many of the size of those before
     */
    public void add(Map<String, Value> record, int left) {
        if (count == SAMPLE) {
            long all = (long) bytes.position() / count * (left + 1L);
            room((int) Math.min(all + all / SPARE, Limits.DEFAULT.frameBytes()));
        }
        header(record.size());
        record.forEach((key, value) -> {
            byte[] encoded = keys.computeIfAbsent(key, name -> CODEC.encode(new Text(name), VALUE_DEPTH));
            room(encoded.length).put(encoded);
            add(value);
        });
        count++;
    }

    private void header(int size) {
        if (size <= SHORT_MAP) {
            room(1).put((byte) (0x80 | size));
        } else {
            room(LONGEST_HEADER).put((byte) 0xdf).putInt(size);
        }
    }

    private void add(Value value) {
        switch (value) {
            case Nil ignored -> room(1).put((byte) 0xc0);
            case Bool(boolean truth) -> room(1).put((byte) (truth ? 0xc3 : 0xc2));
            case Int(long number) ->
                room(1 + Long.BYTES).put((byte) (number < 0 ? 0xd3 : 0xcf)).putLong(number);
            case Text(String text)
            when text.length() <= SHORT_TEXT -> {
                byte[] octets = text.getBytes(StandardCharsets.UTF_8);
                if (octets.length <= SHORT_TEXT) {
                    room(2 + octets.length)
                            .put((byte) 0xd9)
                            .put((byte) octets.length)
                            .put(octets);
                } else {
                    other(value);
                }
            }
            default -> other(value);
        }
    }

    private void other(Value value) {
        byte[] encoded = CODEC.encode(value, VALUE_DEPTH);
        room(encoded.length).put(encoded);
    }

    private ByteBuffer room(int length) {
        if (bytes.remaining() < length) {
            int enough = Math.max(bytes.position() + length, bytes.capacity() + bytes.capacity() / 2);
            bytes = ByteBuffer.wrap(Arrays.copyOf(bytes.array(), enough)).position(bytes.position());
        }
        return bytes;
    }

    /** The list of what was added. */
    public Seq finish() {
        int end = bytes.position();
        bytes.put(0, (byte) 0xdd).putInt(1, count);
        int begin = 0;
        if (count <= 0xffff) {
            begin = 2;
            bytes.put(begin, (byte) 0xdc).putShort(begin + 1, (short) count);
        }
        return new Seq(new EncodedList(CODEC, bytes.array(), begin, end, count));
    }
}
