package dev.tenon.bench;

import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How much more a call costs when many connections have calls in flight. */
final class ManyConnections {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final int BUFFER = 1 << 16;
    private static final int IN_FLIGHT = 10;

    /** With one connection and with all: nanoseconds a call, one number a round. */
    record Result(int connections, Series one, Series all) {}

    private ManyConnections() {}

    /** One client; it keeps so many calls in flight until all are made. */
    private static final class Client {
        private final SocketChannel channel;
        private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER);
        private int toSend;
        private int toReceive;
        private long id;

        Client(Path socket) throws IOException {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            write(new Frame.Hello(new Value.Fields(
                    Map.of("protocols", new Value.Seq(List.of(new Value.Int(1))), "role", new Value.Text("client")))));
            while (frames() == 0) {
                // the daemon's hello
            }
            channel.configureBlocking(false);
        }

        void write(Frame frame) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(CODEC.encode(frame));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }

        /** Reads what is there and tells how many frames it was. */
        int frames() throws IOException {
            if (channel.read(in) < 0) {
                throw new IOException("the daemon ended the connection");
            }
            in.flip();
            int frames = 0;
            while (in.remaining() >= FrameCodec.LENGTH_BYTES
                    && in.remaining() >= FrameCodec.LENGTH_BYTES + in.getInt(in.position())) {
                in.position(in.position() + FrameCodec.LENGTH_BYTES + in.getInt(in.position()));
                frames++;
            }
            in.compact();
            return frames;
        }

        void send(Value.Fields params, int calls) throws IOException {
            for (int i = 0; i < calls && toSend > 0; i++) {
                toSend--;
                write(new Frame.Request(++id, "volume_size_info", params, new CallContext("dir", null)));
            }
        }
    }

    static Result run(Scratch scratch, int connections, int calls, int rounds)
            throws IOException, InterruptedException {
        Path socket = scratch.file("many.sock");
        Map<String, Object> config =
                Map.of("type", "dir", "path", scratch.storage().toString(), "content", Map.of("images", "1"));
        Value.Fields params = PositionalCalls.params(
                StorageApi.API,
                StorageApi.API.method("volume_size_info"),
                List.of(config, "bench", Scratch.QCOW2, 5),
                "dir");
        try (JavaProcess _ = JavaProcess.start(
                        ConstantStorage.class, List.of(socket.toString()), List.of(socket), scratch.file("many.log"));
                Selector selector = Selector.open()) {
            List<Client> clients = new ArrayList<>();
            try {
                for (int i = 0; i < connections; i++) {
                    Client client = new Client(socket);
                    clients.add(client);
                    var _ = client.channel.register(selector, SelectionKey.OP_READ, client);
                }
                Series one = new Series();
                Series all = new Series();
                for (int round = -1; round < rounds; round++) {
                    long alone = perCall(selector, clients.subList(0, 1), params, calls);
                    long together = perCall(selector, clients, params, calls);
                    if (round >= 0) {
                        one.add(new long[] {alone});
                        all.add(new long[] {together});
                    }
                }
                return new Result(connections, one, all);
            } finally {
                for (Client client : clients) {
                    client.channel.close();
                }
            }
        }
    }

    private static long perCall(Selector selector, List<Client> clients, Value.Fields params, int calls)
            throws IOException {
        int each = Math.max(IN_FLIGHT, calls / clients.size());
        long began = System.nanoTime();
        int busy = clients.size();
        for (Client client : clients) {
            client.toSend = each;
            client.toReceive = each;
            client.send(params, IN_FLIGHT);
        }
        while (busy > 0) {
            selector.select();
            Iterator<SelectionKey> ready = selector.selectedKeys().iterator();
            while (ready.hasNext()) {
                SelectionKey key = ready.next();
                ready.remove();
                @Nullable Object attached = key.attachment();
                if (attached instanceof Client client) {
                    int answers = client.frames();
                    client.toReceive -= answers;
                    client.send(params, answers);
                    if (answers > 0 && client.toReceive == 0) {
                        busy--;
                    }
                }
            }
        }
        return (System.nanoTime() - began) / ((long) each * clients.size());
    }
}
