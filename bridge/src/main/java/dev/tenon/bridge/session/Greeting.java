package dev.tenon.bridge.session;

import dev.tenon.bridge.transport.PeerCredentials;
import dev.tenon.proto.ErrorCode;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the sides of a connection say first, and whether they can speak with each other. */
final class Greeting {
    /** Says that long frames may come in pieces. */
    private static final String PIECES = "pieces";

    private Greeting() {}

    /** The hello of this side. */
    static Value.Fields of(Session.Settings settings) {
        Map<String, Value> hello = new LinkedHashMap<>();
        hello.put("level", new Value.Int(settings.api().level()));
        hello.put(PIECES, new Value.Bool(true));
        hello.put("protocols", new Value.Seq(List.of(new Value.Int(Session.PROTOCOL))));
        hello.put("role", new Value.Text(settings.role()));
        hello.putAll(settings.facts().entries());
        return new Value.Fields(hello);
    }

    /** Whether the peer takes long frames in pieces. */
    static boolean takesPieces(Value.Fields facts) {
        return facts.get(PIECES).equals(new Value.Bool(true));
    }

    /**
     * Checks that of the peer.
     *
     * @throws ProtocolException {@code PEER_REFUSED} if it may not speak here, {@code UNSUPPORTED_VERSION} if it speaks
     *     another protocol
     */
    static void check(Value.Fields facts, PeerCredentials peer, Session.Settings settings) {
        if (!settings.admits().test(peer)) {
            throw new ProtocolException(
                    ErrorCode.PEER_REFUSED,
                    "the process " + peer.pid() + " of user " + peer.uid()
                            + " may not use this socket; call as the user that runs the daemon, or as root");
        }
        List<Value> versions = facts.get("protocols") instanceof Value.Seq(List<Value> listed) ? listed : List.of();
        if (versions.contains(new Value.Int(Session.PROTOCOL))) {
            return;
        }
        String spoken = versions.isEmpty()
                ? "none"
                : versions.stream()
                        .map(version -> version instanceof Value.Int(long n) ? Long.toString(n) : "?")
                        .toList()
                        .toString();
        throw new ProtocolException(
                ErrorCode.UNSUPPORTED_VERSION,
                "the peer speaks protocol " + spoken + " and this side [" + Session.PROTOCOL
                        + "]; install the same release of Tenon on both sides");
    }
}
