package dev.tenon.proto;

import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Bytes;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Real;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessageFormatException;
import org.msgpack.core.MessageInsufficientBufferException;
import org.msgpack.core.MessageIntegerOverflowException;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePacker;
import org.msgpack.core.MessageSizeException;
import org.msgpack.core.MessageUnpacker;

/**
 * Frames to bytes and back. Reading checks every length and count against the limits, and against the bytes that are
 * there, before it allocates; it never trusts the far side.
 *
 * <p>Pitfalls: {@link #decode} takes a whole payload, without the length field; msgpack's own {@code unpackValue} must
 * never be used on input, since it allocates whatever a header claims.
 */
public final class FrameCodec {
    /** The bytes of the length field in front of every frame. */
    public static final int LENGTH_BYTES = 4;

    /** The depth of a frame's own elements. */
    private static final int ANSWER_DEPTH = 2;

    /** A list of at least this many bytes is read only when its elements are used. */
    private static final int LONG_BYTES = 1 << 16;

    static {
        // Without it msgpack reads memory through sun.misc.Unsafe, which JDK 25 warns about and JDK 26 denies.
        if (System.getProperty("msgpack.universal-buffer") == null) {
            System.setProperty("msgpack.universal-buffer", "true");
        }
    }

    private final Limits limits;

    public FrameCodec(Limits limits) {
        this.limits = limits;
    }

    /**
     * The frame with its length field.
     *
     * @throws ProtocolException {@code FRAME_TOO_LONG}, {@code TOO_DEEP} if the frame breaks the limits; nothing was sent
     */
    public byte[] encode(Frame frame) {
        try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
            pack(packer, FrameValues.toValue(frame), 1);
            int length = (int) packer.getTotalWrittenBytes();
            checkLength(length);
            ByteBuffer bytes = ByteBuffer.allocate(LENGTH_BYTES + length);
            bytes.putInt(length);
            packer.toBufferList().forEach(part -> bytes.put(part.sliceAsByteBuffer()));
            return bytes.array();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The same, in buffers that are to be sent one after the other. A long list that came, or is bytes already, is not copied.
     *
     * @throws ProtocolException as {@link #encode}
     */
    public List<ByteBuffer> buffers(Frame frame) {
        if (!(frame instanceof Frame.Response(long id, Seq(EncodedList list)))) {
            return List.of(ByteBuffer.wrap(encode(frame)));
        }
        byte[] before = encode(new Frame.Response(id, Nil.NIL));
        int length = before.length - LENGTH_BYTES - 1 + list.length();
        checkLength(length);
        return List.of(
                ByteBuffer.wrap(before, 0, before.length - 1).putInt(0, length),
                ByteBuffer.wrap(list.frame(), list.begin(), list.length()));
    }

    /** The bytes of a value at this depth in its frame. */
    byte[] encode(Value value, int depth) {
        try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
            pack(packer, value, depth);
            return packer.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The value at this place in a checked frame. */
    Value value(byte[] frame, int begin, int end, int depth) {
        // The source is bytes in memory, so closing it does nothing.
        MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(frame, begin, end - begin);
        try {
            return unpack(unpacker, frame, depth);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Checks a length field before anything is read or allocated.
     *
     * @throws ProtocolException {@code FRAME_TOO_LONG}, or {@code MALFORMED_FRAME} for a length of zero
     */
    public void checkLength(long length) {
        if (length > limits.frameBytes()) {
            throw new ProtocolException(
                    ErrorCode.FRAME_TOO_LONG,
                    "a frame of " + length + " bytes is longer than the limit of " + limits.frameBytes() + " bytes");
        }
        if (length < 1) {
            throw new ProtocolException(ErrorCode.MALFORMED_FRAME, "a frame of length " + length + " holds nothing");
        }
    }

    /**
     * Reads one payload.
     *
     * @throws ProtocolException if it is not a frame, with the code of the rule it breaks
     */
    public Frame decode(byte[] payload) {
        checkLength(payload.length);
        try (MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(payload)) {
            Value value = unpack(unpacker, payload, 1);
            if (unpacker.getTotalReadBytes() != payload.length) {
                throw new ProtocolException(
                        ErrorCode.MALFORMED_FRAME,
                        "a frame has " + (payload.length - unpacker.getTotalReadBytes()) + " bytes after its end");
            }
            return FrameValues.toFrame(value);
        } catch (MessageInsufficientBufferException e) {
            throw new ProtocolException(
                    ErrorCode.MALFORMED_FRAME, "a frame of " + payload.length + " bytes ends inside a value");
        } catch (MessageFormatException e) {
            throw new ProtocolException(ErrorCode.MALFORMED_FRAME, "a frame holds a byte that begins no value");
        } catch (MessageSizeException e) {
            throw new ProtocolException(ErrorCode.TOO_MANY_ELEMENTS, "a frame claims " + e.getSize() + " elements");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- values

    private void pack(MessagePacker packer, Value value, int depth) throws IOException {
        if (depth > limits.depth() && (value instanceof Seq || value instanceof Fields)) {
            throw tooDeep();
        }
        switch (value) {
            case Nil ignored -> packer.packNil();
            case Bool(boolean truth) -> packer.packBoolean(truth);
            case Int(long number) -> packer.packLong(number);
            case Real(double number) -> packer.packDouble(number);
            case Text(String text) -> {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                checkText(bytes.length);
                packer.packRawStringHeader(bytes.length);
                packer.writePayload(bytes);
            }
            case Bytes binary -> {
                byte[] bytes = binary.bytes();
                checkText(bytes.length);
                packer.packBinaryHeader(bytes.length);
                packer.writePayload(bytes);
            }
            case Seq(EncodedList items)
            when depth <= ANSWER_DEPTH -> packer.addPayload(items.frame(), items.begin(), items.length());
            case Seq(List<Value> items) -> {
                packer.packArrayHeader(items.size());
                for (Value item : items) {
                    pack(packer, item, depth + 1);
                }
            }
            case Fields(Map<String, Value> entries) -> {
                packer.packMapHeader(entries.size());
                for (Map.Entry<String, Value> entry : entries.entrySet()) {
                    pack(packer, new Text(entry.getKey()), depth + 1);
                    pack(packer, entry.getValue(), depth + 1);
                }
            }
        }
    }

    private Value unpack(MessageUnpacker unpacker, byte[] frame, int depth) throws IOException {
        int length = frame.length;
        return switch (unpacker.getNextFormat().getValueType()) {
            case NIL -> {
                unpacker.unpackNil();
                yield Nil.NIL;
            }
            case BOOLEAN -> new Bool(unpacker.unpackBoolean());
            case INTEGER -> {
                try {
                    yield new Int(unpacker.unpackLong());
                } catch (MessageIntegerOverflowException e) {
                    throw new ProtocolException(
                            ErrorCode.MALFORMED_FRAME,
                            "the integer " + e.getBigInteger() + " is larger than 2^63-1, the largest allowed");
                }
            }
            case FLOAT -> new Real(unpacker.unpackDouble());
            case STRING -> new Text(text(payload(unpacker, MessageUnpacker::unpackRawStringHeader, length)));
            case BINARY -> new Bytes(payload(unpacker, MessageUnpacker::unpackBinaryHeader, length));
            case ARRAY -> {
                int begin = (int) unpacker.getTotalReadBytes();
                int count = count(unpacker.unpackArrayHeader(), 1, unpacker, length, depth);
                if (depth == ANSWER_DEPTH && length - begin > LONG_BYTES) {
                    int end = new Skimmer(frame, limits).end(begin, depth);
                    if (end > 0) {
                        unpacker.readPayloadAsReference(end - (int) unpacker.getTotalReadBytes());
                        yield new Seq(new EncodedList(this, frame, begin, end, count));
                    }
                }
                List<Value> items = new ArrayList<>(count);
                for (int i = 0; i < count; i++) {
                    items.add(unpack(unpacker, frame, depth + 1));
                }
                yield new Seq(items);
            }
            case MAP -> {
                int count = count(unpacker.unpackMapHeader(), 2, unpacker, length, depth);
                Map<String, Value> entries = new LinkedHashMap<>();
                for (int i = 0; i < count; i++) {
                    Value key = unpack(unpacker, frame, depth + 1);
                    if (!(key instanceof Text(String name))) {
                        throw new ProtocolException(
                                ErrorCode.MALFORMED_FRAME,
                                "a map has " + key.kind() + " for a key, where text belongs");
                    }
                    if (entries.put(name, unpack(unpacker, frame, depth + 1)) != null) {
                        throw new ProtocolException(
                                ErrorCode.MALFORMED_FRAME, "a map has the key '" + name + "' twice");
                    }
                }
                yield new Fields(entries);
            }
            case EXTENSION ->
                throw new ProtocolException(
                        ErrorCode.MALFORMED_FRAME, "a frame holds an extension type, which Perl cannot read");
        };
    }

    /** The elements of a checked list, one at a time. */
    Iterator<Value> elements(byte[] frame, int begin, int end) {
        // The source is bytes in memory, so closing it does nothing.
        MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(frame, begin, end - begin);
        try {
            int count = unpacker.unpackArrayHeader();
            return new Iterator<>() {
                private int left = count;

                @Override
                public boolean hasNext() {
                    return left > 0;
                }

                @Override
                public Value next() {
                    if (left-- <= 0) {
                        throw new NoSuchElementException();
                    }
                    try {
                        return unpack(unpacker, frame, ANSWER_DEPTH + 1);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int count(int claimed, int bytesEach, MessageUnpacker unpacker, int length, int depth) {
        if (depth > limits.depth()) {
            throw tooDeep();
        }
        long left = length - unpacker.getTotalReadBytes();
        if (claimed < 0 || claimed > limits.elements()) {
            throw new ProtocolException(
                    ErrorCode.TOO_MANY_ELEMENTS,
                    "a frame claims " + Integer.toUnsignedString(claimed) + " elements and the limit is "
                            + limits.elements());
        }
        if ((long) claimed * bytesEach > left) {
            throw new ProtocolException(
                    ErrorCode.TOO_MANY_ELEMENTS,
                    "a frame claims " + claimed + " elements and has only " + left + " bytes left for them");
        }
        return claimed;
    }

    @FunctionalInterface
    private interface Header {
        int read(MessageUnpacker unpacker) throws IOException;
    }

    private byte[] payload(MessageUnpacker unpacker, Header header, int length) throws IOException {
        long claimedBytes;
        try {
            claimedBytes = header.read(unpacker);
        } catch (MessageSizeException e) {
            claimedBytes = e.getSize();
        }
        long left = length - unpacker.getTotalReadBytes();
        if (claimedBytes > left) {
            throw new ProtocolException(
                    ErrorCode.MALFORMED_FRAME,
                    "a frame claims a text of " + claimedBytes + " bytes and has only " + left + " left");
        }
        int claimed = (int) claimedBytes;
        checkText(claimed);
        return unpacker.readPayload(claimed);
    }

    private void checkText(int length) {
        if (length > limits.textBytes()) {
            throw new ProtocolException(
                    ErrorCode.FRAME_TOO_LONG,
                    "a text of " + length + " bytes is longer than the limit of " + limits.textBytes() + " bytes");
        }
    }

    static boolean isText(byte[] bytes, int begin, int length) {
        try {
            var _ = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, begin, length));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static String text(byte[] bytes) {
        if (isAscii(bytes)) {
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ProtocolException(
                    ErrorCode.BAD_TEXT,
                    "a text of " + bytes.length + " bytes is not valid UTF-8: "
                            + new String(bytes, 0, Math.min(bytes.length, 60), StandardCharsets.ISO_8859_1)
                                    .replaceAll("[^ -~]", "?"));
        }
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte octet : bytes) {
            if (octet < 0) {
                return false;
            }
        }
        return true;
    }

    private ProtocolException tooDeep() {
        return new ProtocolException(
                ErrorCode.TOO_DEEP, "a frame nests values deeper than the limit of " + limits.depth());
    }
}
