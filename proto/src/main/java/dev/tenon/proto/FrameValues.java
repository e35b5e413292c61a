package dev.tenon.proto;

import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Bytes;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Frames as values and back: a list that begins with the number of the frame's kind. */
final class FrameValues {
    private FrameValues() {}

    private enum Kind {
        HELLO(1, 2),
        REQUEST(2, 5),
        RESPONSE(3, 3),
        FAILURE(4, 3),
        NOTIFY(5, 3),
        CANCEL(6, 2),
        PING(7, 2),
        PONG(8, 2),
        CLOSE(9, 3),
        PIECE(10, 3);

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
            case Frame.Piece(long left, Bytes bytes) -> list(Kind.PIECE, new Int(left), bytes);
        };
    }

    private static Seq list(Kind kind, Value... rest) {
        List<Value> items = new ArrayList<>();
        items.add(new Int(kind.number));
        items.addAll(List.of(rest));
        return new Seq(items);
    }

    static Frame toFrame(Value value) {
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
            case PIECE -> new Frame.Piece(id(kind, items.get(1)), bytes(kind, items.get(2)));
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

    private static Bytes bytes(Kind kind, Value value) {
        if (value instanceof Bytes bytes) {
            return bytes;
        }
        throw misplaced(kind, value, "bytes");
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
