package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The client's side of what comes before the first request. */
final class ClientHandshake {
    private static final int LONGEST_REPLY = 64 << 10;
    private static final int LARGEST_BLOCK_DEFAULT = 4096;

    private final Inbound in;
    private final WritableByteChannel out;
    private final String name;

    private Mode mode = Mode.SIMPLE;
    private int contextId = -1;
    private long size;
    private int flags;
    private int minimumBlock = 1;
    private int preferredBlock = LARGEST_BLOCK_DEFAULT;
    private int largestPayload = Nbd.LONGEST_PAYLOAD;

    /**
     * What both sides agreed on.
     *
     * @param contextId the context's number, -1 if none was asked for
     * @param keepsWhole whether a read can be answered in one piece, without a look for holes
     */
    record Agreed(ExportInfo export, Mode mode, int contextId, boolean keepsWhole) {}

    private record Reply(int type, int length) {}

    private ClientHandshake(Inbound in, WritableByteChannel out, String name) {
        this.in = in;
        this.out = out;
        this.name = name;
    }

    static Agreed shake(Inbound in, WritableByteChannel out, String name, @Nullable String context) throws IOException {
        ClientHandshake handshake = new ClientHandshake(in, out, name);
        handshake.negotiate(context);
        return handshake.agreed();
    }

    private Agreed agreed() throws NbdException {
        if (size < 0) {
            throw NbdException.lost("export '" + name + "' says that it has " + size + " bytes");
        }
        return new Agreed(
                new ExportInfo(
                        name,
                        size,
                        (flags & Nbd.READ_ONLY) != 0,
                        (flags & Nbd.SEND_FLUSH) != 0,
                        (flags & Nbd.SEND_TRIM) != 0,
                        (flags & Nbd.SEND_WRITE_ZEROES) != 0,
                        (flags & Nbd.CAN_MULTI_CONN) != 0,
                        minimumBlock,
                        preferredBlock,
                        largestPayload),
                mode,
                contextId,
                mode != Mode.SIMPLE && (flags & Nbd.SEND_DF) != 0);
    }

    private void negotiate(@Nullable String context) throws IOException {
        if (in.int64() != Nbd.MAGIC) {
            throw NbdException.lost("what answers is no NBD server");
        }
        if (in.int64() != Nbd.OPTION_MAGIC) {
            throw NbdException.lost("the server speaks the oldstyle negotiation, which no server of today needs");
        }
        int offered = in.uint16();
        boolean isFixed = (offered & Nbd.FIXED_NEWSTYLE) != 0;
        boolean hasZeroes = (offered & Nbd.NO_ZEROES) == 0;
        send(ByteBuffer.allocate(Integer.BYTES).putInt(offered & (Nbd.FIXED_NEWSTYLE | Nbd.NO_ZEROES)));
        if (isFixed) {
            if (accepts(Nbd.OPT_EXTENDED_HEADERS)) {
                mode = Mode.EXTENDED;
            } else if (accepts(Nbd.OPT_STRUCTURED_REPLY)) {
                mode = Mode.STRUCTURED;
            }
        }
        if (context != null) {
            contextId = chooseContext(context);
        }
        if (!isFixed || !go()) {
            useExportName(hasZeroes);
        }
    }

    private boolean accepts(int option) throws IOException {
        sendOption(option, ByteBuffer.allocate(0));
        Reply reply = reply(option);
        in.skip(reply.length());
        return reply.type() == Nbd.REP_ACK;
    }

    private int chooseContext(String context) throws IOException {
        if (mode == Mode.SIMPLE) {
            throw new NbdException(
                    NbdError.NOT_SUPPORTED,
                    "export '" + name + "': the server knows no structured replies, so it cannot tell '" + context
                            + "'");
        }
        byte[] export = name.getBytes(StandardCharsets.UTF_8);
        byte[] query = context.getBytes(StandardCharsets.UTF_8);
        sendOption(
                Nbd.OPT_SET_META_CONTEXT,
                ByteBuffer.allocate(3 * Integer.BYTES + export.length + query.length)
                        .putInt(export.length)
                        .put(export)
                        .putInt(1)
                        .putInt(query.length)
                        .put(query));
        OptionalInt id = OptionalInt.empty();
        while (true) {
            Reply reply = reply(Nbd.OPT_SET_META_CONTEXT);
            switch (reply.type()) {
                case Nbd.REP_META_CONTEXT -> {
                    if (reply.length() < Integer.BYTES) {
                        throw NbdException.lost("the server's answer about '" + context + "' is too short");
                    }
                    int number = in.int32();
                    String named = in.text(reply.length() - Integer.BYTES);
                    if (!named.equals(context)) {
                        throw NbdException.lost(
                                "asked for the context '" + context + "', the server answers '" + named + "'");
                    }
                    id = OptionalInt.of(number);
                }
                case Nbd.REP_ACK -> {
                    in.skip(reply.length());
                    return id.orElseThrow(() -> new NbdException(
                            NbdError.NOT_SUPPORTED, "export '" + name + "' has no context '" + context + "'"));
                }
                default -> throw refused(reply, "the context '" + context + "'");
            }
        }
    }

    /** Whether the server knows this way of choosing an export. */
    private boolean go() throws IOException {
        byte[] export = name.getBytes(StandardCharsets.UTF_8);
        sendOption(
                Nbd.OPT_GO,
                ByteBuffer.allocate(Integer.BYTES + export.length + 2 * Short.BYTES)
                        .putInt(export.length)
                        .put(export)
                        .putShort((short) 1)
                        .putShort((short) Nbd.INFO_BLOCK_SIZE));
        boolean isTold = false;
        while (true) {
            Reply reply = reply(Nbd.OPT_GO);
            switch (reply.type()) {
                case Nbd.REP_INFO -> isTold |= isExport(reply.length());
                case Nbd.REP_ACK -> {
                    in.skip(reply.length());
                    if (!isTold) {
                        throw NbdException.lost("the server did not tell the size of export '" + name + "'");
                    }
                    return true;
                }
                case Nbd.REP_ERR_UNSUP -> {
                    in.skip(reply.length());
                    return false;
                }
                default -> throw refused(reply, "export '" + name + "'");
            }
        }
    }

    private boolean isExport(int length) throws IOException {
        if (length < Short.BYTES) {
            throw NbdException.lost("an information of " + length + " bytes");
        }
        int type = in.uint16();
        int rest = length - Short.BYTES;
        return switch (type) {
            case Nbd.INFO_EXPORT -> {
                expect(rest, Long.BYTES + Short.BYTES, "size");
                size = in.int64();
                flags = in.uint16();
                yield true;
            }
            case Nbd.INFO_BLOCK_SIZE -> {
                expect(rest, 3 * Integer.BYTES, "block sizes");
                takeBlockSizes(in.int32(), in.int32(), in.int32());
                yield false;
            }
            default -> {
                in.skip(rest);
                yield false;
            }
        };
    }

    private void takeBlockSizes(int minimum, int preferred, int largest) throws NbdException {
        boolean isSane = Integer.bitCount(minimum) == 1
                && minimum > 0
                && minimum <= 1 << 16
                && Integer.bitCount(preferred) == 1
                && preferred >= minimum
                && Integer.compareUnsigned(largest, minimum) >= 0;
        if (!isSane) {
            throw NbdException.lost(
                    "export '" + name + "' has the block sizes " + Integer.toUnsignedString(minimum) + ", "
                            + Integer.toUnsignedString(preferred) + " and " + Integer.toUnsignedString(largest)
                            + ", which cannot be");
        }
        minimumBlock = minimum;
        preferredBlock = preferred;
        largestPayload = largest < 0 ? Nbd.LONGEST_PAYLOAD : Math.min(largest, Nbd.LONGEST_PAYLOAD);
    }

    private static void expect(int length, int wanted, String what) throws NbdException {
        if (length != wanted) {
            throw NbdException.lost("the server tells the " + what + " in " + length + " bytes instead of " + wanted);
        }
    }

    /** The oldest way; a server that does not have the export just hangs up. */
    private void useExportName(boolean hasZeroes) throws IOException {
        if (mode != Mode.SIMPLE) {
            throw NbdException.lost("the server knows structured replies and not how to choose an export by them");
        }
        sendOption(Nbd.OPT_EXPORT_NAME, ByteBuffer.wrap(name.getBytes(StandardCharsets.UTF_8)));
        if (in.isAtEnd()) {
            throw new NbdException(NbdError.INVALID, "the server has no export '" + name + "', or does not give it");
        }
        size = in.int64();
        flags = in.uint16();
        if (hasZeroes) {
            in.skip(Nbd.ZEROES);
        }
    }

    private Reply reply(int option) throws IOException {
        if (in.int64() != Nbd.OPTION_REPLY_MAGIC) {
            throw NbdException.lost("the server's answer to an option is not of the protocol");
        }
        int answered = in.int32();
        int type = in.int32();
        int length = in.int32();
        if (answered != option) {
            throw NbdException.lost("the server answers option " + answered + " instead of " + option);
        }
        if (length < 0 || length > LONGEST_REPLY) {
            throw NbdException.lost(
                    "the server's answer to option " + option + " has " + Integer.toUnsignedString(length) + " bytes");
        }
        return new Reply(type, length);
    }

    private NbdException refused(Reply reply, String what) throws IOException {
        String words = in.text(reply.length()).strip();
        if (reply.type() >= 0) {
            return NbdException.lost("the server answers " + reply.type() + " where " + what + " was asked for");
        }
        NbdError error = reply.type() == Nbd.REP_ERR_UNSUP ? NbdError.NOT_SUPPORTED : NbdError.INVALID;
        return new NbdException(
                error,
                "the server refuses " + what + (words.isEmpty() ? "" : ": " + words) + " (answer "
                        + Integer.toHexString(reply.type()) + ")");
    }

    private void sendOption(int option, ByteBuffer data) throws IOException {
        data.rewind();
        send(ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.remaining())
                .putLong(Nbd.OPTION_MAGIC)
                .putInt(option)
                .putInt(data.remaining())
                .put(data));
    }

    private void send(ByteBuffer message) throws IOException {
        message.flip();
        while (message.hasRemaining()) {
            out.write(message);
        }
    }
}
