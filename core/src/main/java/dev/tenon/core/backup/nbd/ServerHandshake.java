package dev.tenon.core.backup.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The server's side of what comes before the first request. */
final class ServerHandshake {
    private static final int LONGEST_OPTION = 64 << 10;
    private static final int MOST_OPTIONS = 1000;
    private static final int MOST_QUERIES = 64;
    private static final int PREFERRED_BLOCK = 64 << 10;

    private final Inbound in;
    private final Outbound out;
    private final Map<String, ServedDisk> exports;
    private Mode mode = Mode.SIMPLE;
    private boolean hasZeroes = true;

    /** The contexts that were chosen, and for which export; choosing another export drops them. */
    private String contextExport = "";

    private Map<Integer, BlockMap> chosen = Map.of();

    /** What both sides agreed on. */
    record Agreed(ServedDisk disk, Mode mode, Map<Integer, BlockMap> contexts) {}

    ServerHandshake(Inbound in, Outbound out, Map<String, ServedDisk> exports) {
        this.in = in;
        this.out = out;
        this.exports = exports;
    }

    /** Null if the client leaves before it has chosen. */
    @Nullable
    Agreed shake() throws IOException {
        out.send(ByteBuffer.allocate(2 * Long.BYTES + Short.BYTES)
                .putLong(Nbd.MAGIC)
                .putLong(Nbd.OPTION_MAGIC)
                .putShort((short) (Nbd.FIXED_NEWSTYLE | Nbd.NO_ZEROES))
                .flip());
        int flags = in.int32();
        if ((flags & ~(Nbd.FIXED_NEWSTYLE | Nbd.NO_ZEROES)) != 0) {
            throw NbdException.lost("the client has unknown flags: " + Integer.toHexString(flags));
        }
        hasZeroes = (flags & Nbd.NO_ZEROES) == 0;
        for (int i = 0; i < MOST_OPTIONS; i++) {
            if (in.isAtEnd()) {
                return null;
            }
            if (in.int64() != Nbd.OPTION_MAGIC) {
                throw NbdException.lost("an option does not begin as one");
            }
            int option = in.int32();
            int length = in.int32();
            if (length < 0 || length > LONGEST_OPTION) {
                throw NbdException.lost("option " + option + " has " + Integer.toUnsignedString(length) + " bytes");
            }
            switch (option) {
                case Nbd.OPT_EXPORT_NAME -> {
                    return exportName(length);
                }
                case Nbd.OPT_ABORT -> {
                    in.skip(length);
                    reply(option, Nbd.REP_ACK, ByteBuffer.allocate(0));
                    return null;
                }
                case Nbd.OPT_GO, Nbd.OPT_INFO -> {
                    Agreed agreed = info(option, length);
                    if (agreed != null && option == Nbd.OPT_GO) {
                        return agreed;
                    }
                }
                case Nbd.OPT_LIST -> list(length);
                case Nbd.OPT_STRUCTURED_REPLY -> upgrade(option, length, Mode.STRUCTURED);
                case Nbd.OPT_EXTENDED_HEADERS -> upgrade(option, length, Mode.EXTENDED);
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> contexts(option, length);
                default -> {
                    in.skip(length);
                    reply(option, Nbd.REP_ERR_UNSUP, ByteBuffer.allocate(0));
                }
            }
        }
        throw NbdException.lost("the client has made " + MOST_OPTIONS + " options and chosen no export");
    }

    private int flags(ServedDisk disk) {
        int flags = Nbd.HAS_FLAGS | Nbd.SEND_FLUSH | Nbd.CAN_MULTI_CONN | Nbd.SEND_CACHE;
        if (mode != Mode.SIMPLE) {
            flags |= Nbd.SEND_DF;
        }
        return disk.isWritable() ? flags | Nbd.SEND_FUA | Nbd.SEND_TRIM | Nbd.SEND_WRITE_ZEROES : flags | Nbd.READ_ONLY;
    }

    private Agreed agreed(ServedDisk disk, String name) {
        return new Agreed(disk, mode, name.equals(contextExport) ? chosen : Map.of());
    }

    private Agreed exportName(int length) throws IOException {
        String name = in.text(Math.min(length, Nbd.LONGEST_NAME + 1));
        ServedDisk disk = exports.get(name);
        if (disk == null) {
            throw NbdException.lost("there is no export '" + name + "'");
        }
        out.send(ByteBuffer.allocate(Long.BYTES + Short.BYTES + (hasZeroes ? Nbd.ZEROES : 0))
                .putLong(disk.size())
                .putShort((short) flags(disk))
                .rewind());
        return agreed(disk, name);
    }

    private @Nullable Agreed info(int option, int length) throws IOException {
        ByteBuffer data = data(length);
        String name = text(data);
        if (name == null || data.remaining() < Short.BYTES) {
            reply(option, Nbd.REP_ERR_INVALID, text("the name does not fit its option"));
            return null;
        }
        ServedDisk disk = exports.get(name);
        if (disk == null) {
            reply(option, Nbd.REP_ERR_UNKNOWN, text("there is no export '" + name + "'"));
            return null;
        }
        reply(
                option,
                Nbd.REP_INFO,
                ByteBuffer.allocate(2 * Short.BYTES + Long.BYTES)
                        .putShort((short) Nbd.INFO_EXPORT)
                        .putLong(disk.size())
                        .putShort((short) flags(disk))
                        .flip());
        reply(
                option,
                Nbd.REP_INFO,
                ByteBuffer.allocate(Short.BYTES + 3 * Integer.BYTES)
                        .putShort((short) Nbd.INFO_BLOCK_SIZE)
                        .putInt(1)
                        .putInt(PREFERRED_BLOCK)
                        .putInt(Nbd.LONGEST_PAYLOAD)
                        .flip());
        reply(option, Nbd.REP_ACK, ByteBuffer.allocate(0));
        return agreed(disk, name);
    }

    private void list(int length) throws IOException {
        in.skip(length);
        if (length != 0) {
            reply(Nbd.OPT_LIST, Nbd.REP_ERR_INVALID, text("a list is asked for without data"));
            return;
        }
        for (String name : exports.keySet()) {
            byte[] octets = name.getBytes(StandardCharsets.UTF_8);
            reply(
                    Nbd.OPT_LIST,
                    Nbd.REP_SERVER,
                    ByteBuffer.allocate(Integer.BYTES + octets.length)
                            .putInt(octets.length)
                            .put(octets)
                            .flip());
        }
        reply(Nbd.OPT_LIST, Nbd.REP_ACK, ByteBuffer.allocate(0));
    }

    private void upgrade(int option, int length, Mode wanted) throws IOException {
        in.skip(length);
        if (length != 0) {
            reply(option, Nbd.REP_ERR_INVALID, text("this option has no data"));
            return;
        }
        if (wanted.compareTo(mode) > 0) {
            mode = wanted;
        }
        reply(option, Nbd.REP_ACK, ByteBuffer.allocate(0));
    }

    private void contexts(int option, int length) throws IOException {
        ByteBuffer data = data(length);
        String name = text(data);
        if (name == null || data.remaining() < Integer.BYTES) {
            reply(option, Nbd.REP_ERR_INVALID, text("the name does not fit its option"));
            return;
        }
        if (mode == Mode.SIMPLE) {
            reply(option, Nbd.REP_ERR_INVALID, text("contexts need structured replies"));
            return;
        }
        ServedDisk disk = exports.get(name);
        if (disk == null) {
            reply(option, Nbd.REP_ERR_UNKNOWN, text("there is no export '" + name + "'"));
            return;
        }
        int queries = data.getInt();
        if (queries < 0 || queries > MOST_QUERIES) {
            reply(option, Nbd.REP_ERR_TOO_BIG, text("more than " + MOST_QUERIES + " queries"));
            return;
        }
        List<String> names = disk.contexts().keySet().stream().sorted().toList();
        Map<Integer, BlockMap> found = new LinkedHashMap<>();
        if (queries == 0 && option == Nbd.OPT_LIST_META_CONTEXT) {
            names.forEach(context -> found.put(names.indexOf(context), map(disk, context)));
        }
        for (int i = 0; i < queries; i++) {
            String query = text(data);
            if (query == null) {
                reply(option, Nbd.REP_ERR_INVALID, text("a query does not fit its option"));
                return;
            }
            boolean isPrefix = option == Nbd.OPT_LIST_META_CONTEXT && query.endsWith(":");
            for (int n = 0; n < names.size(); n++) {
                String context = names.get(n);
                if (isPrefix ? context.startsWith(query) : context.equals(query)) {
                    found.put(n, map(disk, context));
                }
            }
        }
        for (Integer id : found.keySet()) {
            byte[] octets = names.get(id).getBytes(StandardCharsets.UTF_8);
            reply(
                    option,
                    Nbd.REP_META_CONTEXT,
                    ByteBuffer.allocate(Integer.BYTES + octets.length)
                            .putInt(option == Nbd.OPT_LIST_META_CONTEXT ? 0 : id)
                            .put(octets)
                            .flip());
        }
        if (option == Nbd.OPT_SET_META_CONTEXT) {
            chosen = found;
            contextExport = name;
        }
        reply(option, Nbd.REP_ACK, ByteBuffer.allocate(0));
    }

    private static BlockMap map(ServedDisk disk, String context) {
        BlockMap map = disk.contexts().get(context);
        if (map == null) {
            throw new IllegalStateException(context);
        }
        return map;
    }

    private ByteBuffer data(int length) throws IOException {
        ByteBuffer data = ByteBuffer.allocate(length);
        in.into(data);
        return data.flip();
    }

    /** A text with its length before it; null if it does not fit, or is none. */
    private static @Nullable String text(ByteBuffer data) {
        if (data.remaining() < Integer.BYTES) {
            return null;
        }
        int length = data.getInt();
        if (length < 0 || length > Nbd.LONGEST_NAME || length > data.remaining()) {
            return null;
        }
        byte[] octets = new byte[length];
        data.get(octets);
        return new String(octets, StandardCharsets.UTF_8);
    }

    private static ByteBuffer text(String words) {
        return StandardCharsets.UTF_8.encode(words);
    }

    private void reply(int option, int type, ByteBuffer data) throws IOException {
        out.send(
                ByteBuffer.allocate(Long.BYTES + 3 * Integer.BYTES)
                        .putLong(Nbd.OPTION_REPLY_MAGIC)
                        .putInt(option)
                        .putInt(type)
                        .putInt(data.remaining())
                        .flip(),
                data);
    }
}
