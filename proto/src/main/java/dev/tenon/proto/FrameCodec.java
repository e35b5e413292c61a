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
import org.jspecify.annotations.Nullable;
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

    /** What a frame holds itself is this deep in it. */
    private static final int ANSWER_DEPTH = 2;

    /** A list of so many bytes is read when somebody looks at its elements. */
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

    public Limits limits() {
        return limits;
    }

    /**
     * The frame with its length field.
     *
     * @throws ProtocolException {@code FRAME_TOO_LONG}, {@code TOO_DEEP} if the frame breaks the limits; nothing was sent
     */
    public byte[] encode(Frame frame) {
        try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
            pack(packer, toValue(frame), 1);
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
     * @throws ProtocolException if it is no frame, with the code of the rule it breaks
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
            return toFrame(value);
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

    /** The elements of a list that has been looked through, one at a time. */
    Iterator<Value> elements(byte[] frame, int begin, int end) {
        // What is read is bytes in memory, so closing it does nothing.
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

    private ProtocolException tooDeep() {
        return new ProtocolException(
                ErrorCode.TOO_DEEP, "a frame nests values deeper than the limit of " + limits.depth());
    }

    // ---- frames

    private enum Kind {
        HELLO(1, 2),
        REQUEST(2, 5),
        RESPONSE(3, 3),
        FAILURE(4, 3),
        NOTIFY(5, 3),
        CANCEL(6, 2),
        PING(7, 2),
        PONG(8, 2),
        CLOSE(9, 3);

        private final int number;
        private final int elements;

        Kind(int number, int elements) {
            this.number = number;
            this.elements = elements;
        }
    }

    static Value toValue(Frame frame) {
        return switch (frame) {
            case Frame.Hello(Fields facts) -> list(Kind.HELLO, facts);
            case Frame.Request(long id, String method, Fields params, CallContext context) ->
                list(Kind.REQUEST, new Int(id), new Text(method), params, context.toValue());
            case Frame.Response(long id, Value result) -> list(Kind.RESPONSE, new Int(id), result);
            case Frame.Failure(long id, WireError error) -> list(Kind.FAILURE, new Int(id), toValue(error));
            case Frame.Notify(String name, Fields params) -> list(Kind.NOTIFY, new Text(name), params);
            case Frame.Cancel(long id) -> list(Kind.CANCEL, new Int(id));
            case Frame.Ping(long nonce) -> list(Kind.PING, new Int(nonce));
            case Frame.Pong(long nonce) -> list(Kind.PONG, new Int(nonce));
            case Frame.Close(String reason, String message) -> list(Kind.CLOSE, new Text(reason), new Text(message));
        };
    }

    private static Seq list(Kind kind, Value... rest) {
        List<Value> items = new ArrayList<>();
        items.add(new Int(kind.number));
        items.addAll(List.of(rest));
        return new Seq(items);
    }

    private static Frame toFrame(Value value) {
        if (!(value instanceof Seq(List<Value> items))
                || items.isEmpty()
                || !(items.getFirst() instanceof Int(long number))) {
            throw new ProtocolException(
                    ErrorCode.MALFORMED_FRAME,
                    "a frame is " + value.kind() + ", where a list that begins with a kind belongs");
        }
        Kind kind = null;
        for (Kind candidate : Kind.values()) {
            if (candidate.number == number) {
                kind = candidate;
            }
        }
        if (kind == null) {
            throw new ProtocolException(ErrorCode.MALFORMED_FRAME, "a frame is of the unknown kind " + number);
        }
        if (items.size() != kind.elements) {
            throw new ProtocolException(
                    ErrorCode.MALFORMED_FRAME,
                    "a frame of kind " + number + " has " + items.size() + " elements, where " + kind.elements
                            + " belong");
        }
        return switch (kind) {
            case HELLO -> new Frame.Hello(fields(kind, items.get(1)));
            case REQUEST ->
                new Frame.Request(
                        id(kind, items.get(1)),
                        word(kind, items.get(2)),
                        fields(kind, items.get(3)),
                        CallContext.ofValue(fields(kind, items.get(4))));
            case RESPONSE -> new Frame.Response(id(kind, items.get(1)), items.get(2));
            case FAILURE -> new Frame.Failure(id(kind, items.get(1)), toError(fields(kind, items.get(2))));
            case NOTIFY -> new Frame.Notify(word(kind, items.get(1)), fields(kind, items.get(2)));
            case CANCEL -> new Frame.Cancel(id(kind, items.get(1)));
            case PING -> new Frame.Ping(id(kind, items.get(1)));
            case PONG -> new Frame.Pong(id(kind, items.get(1)));
            case CLOSE -> new Frame.Close(word(kind, items.get(1)), word(kind, items.get(2)));
        };
    }

    private static long id(Kind kind, Value value) {
        if (value instanceof Int(long id) && id >= 0) {
            return id;
        }
        throw misplaced(kind, value, "an integer of 0 or more");
    }

    private static String word(Kind kind, Value value) {
        if (value instanceof Text(String text)) {
            return text;
        }
        throw misplaced(kind, value, "text");
    }

    private static Fields fields(Kind kind, Value value) {
        if (value instanceof Fields fields) {
            return fields;
        }
        throw misplaced(kind, value, "a map");
    }

    private static ProtocolException misplaced(Kind kind, Value got, String wanted) {
        return new ProtocolException(
                ErrorCode.MALFORMED_FRAME,
                "a frame of kind " + kind.number + " has " + got.kind() + ", where " + wanted + " belongs");
    }

    // ---- errors

    private static Fields toValue(WireError error) {
        Map<String, Value> entries = new LinkedHashMap<>();
        entries.put("code", new Int(error.code()));
        WireError.Die die = error.die();
        if (die != null) {
            entries.put("die", die.text());
            entries.put("die_characters", new Bool(die.characters()));
        }
        if (!(error.exception() instanceof Nil)) {
            entries.put("exception", error.exception());
        }
        if (!error.changed().entries().isEmpty()) {
            entries.put("changed", error.changed());
        }
        entries.put("message", new Text(error.message()));
        entries.put("name", new Text(error.errorCode().name()));
        entries.put("origin", new Text(error.origin()));
        entries.put("outcome", new Text(error.outcome().name()));
        return new Fields(entries);
    }

    private static WireError toError(Fields fields) {
        if (!(fields.get("code") instanceof Int(long code)) || code < 0 || code > Integer.MAX_VALUE) {
            throw new ProtocolException(ErrorCode.MALFORMED_FRAME, "an error has no code");
        }
        if (!(fields.get("message") instanceof Text(String message))) {
            throw new ProtocolException(ErrorCode.MALFORMED_FRAME, "an error has no message");
        }
        return new WireError(
                (int) code,
                message,
                outcome(fields.get("outcome")),
                origin(fields.get("origin")),
                die(fields),
                fields.get("exception"),
                fields.get("changed") instanceof Fields changed ? changed : Value.fields());
    }

    private static WireError.@Nullable Die die(Fields fields) {
        return fields.get("die") instanceof Bytes text
                ? new WireError.Die(text, fields.get("die_characters").equals(new Bool(true)))
                : null;
    }

    /** An outcome that this side does not know, or that is missing, is {@link Outcome#UNKNOWN}. */
    private static Outcome outcome(Value value) {
        for (Outcome outcome : Outcome.values()) {
            if (value.equals(new Text(outcome.name()))) {
                return outcome;
            }
        }
        return Outcome.UNKNOWN;
    }

    private static String origin(Value value) {
        return value instanceof Text(String origin) ? origin : "peer";
    }
}
