package dev.tenon.proto;

/**
 * A frame: a four byte length, big endian, then that many bytes of MessagePack, which hold one list whose first element
 * is the kind.
 *
 * <pre>
 *  +--------+--------+--------+--------+------------------------------+
 *  |   00   |     length (24 bits)     |  [ kind, ... ]               |
 *  +--------+--------+--------+--------+------------------------------+
 * </pre>
 */
public sealed interface Frame {

    /** {@code [1, map]}: who speaks and what it understands; the first frame of each side. */
    record Hello(Value.Fields facts) implements Frame {}

    /**
     * {@code [2, id, method, params, context]}: a call.
     *
     * @param id chosen by the caller, unique among its calls on this connection that wait for an answer
     * @param params by name
     * @param context whom the call is for and how long it may take
     */
    record Request(long id, String method, Value.Fields params, CallContext context) implements Frame {}

    /** {@code [3, id, result]}: the answer to a call. */
    record Response(long id, Value result) implements Frame {}

    /** {@code [4, id, map]}: the call failed. */
    record Failure(long id, WireError error) implements Frame {}

    /** {@code [5, name, params]}: a message that gets no answer. */
    record Notify(String name, Value.Fields params) implements Frame {}

    /** {@code [6, id]}: the caller no longer wants the answer; it still gets exactly one. */
    record Cancel(long id) implements Frame {}

    /** {@code [7, nonce]}: answered at once, also while calls run. */
    record Ping(long nonce) implements Frame {}

    /** {@code [8, nonce]}: the answer to a ping. */
    record Pong(long nonce) implements Frame {}

    /** {@code [9, reason, message]}: the last frame of a side. */
    record Close(String reason, String message) implements Frame {}

    /**
     * {@code [10, left, bytes]}: the next bytes of the payload of a long frame. Sent only to a side whose hello says
     * {@code pieces}. Other frames may come between the pieces of one, and no pieces of another.
     *
     * @param left how many bytes of the long frame follow in further pieces
     */
    record Piece(long left, Value.Bytes bytes) implements Frame {}
}
