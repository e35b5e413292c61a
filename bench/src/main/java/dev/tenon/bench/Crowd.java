package dev.tenon.bench;

import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.proto.CallContext;
import dev.tenon.proto.Frame;
import dev.tenon.proto.FrameCodec;
import dev.tenon.proto.Limits;
import dev.tenon.proto.Value;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** A small call while somebody else has many large lists made, all asked for at once, again and again. */
final class Crowd {
    private static final FrameCodec CODEC = new FrameCodec(Limits.DEFAULT);
    private static final int LISTS = 128;
    private static final int BUFFER = 1 << 16;
    private static final double TARGET_P99 = 2;

    /**
     * What was measured.
     *
     * @param lists how many lists were read meanwhile
     * @param resident the most that the daemon had resident
     */
    record Result(PerlToJava.Judged small, long lists, long resident) {}

    private Crowd() {}

    static Result run(Scratch scratch, Plan plan) throws IOException, InterruptedException {
        Map<String, Object> config =
                Map.of("type", "dir", "path", scratch.storage().toString(), "content", Map.of("images", "1"));
        List<Object> size = List.of(config, "bench", Scratch.QCOW2, 5);
        Path socket = scratch.file("crowd.sock");
        Path echo = scratch.file("crowd-echo.sock");
        Path answer = scratch.file("crowd-answer");
        AtomicLong lists = new AtomicLong();
        try (JavaProcess daemon = JavaProcess.start(
                ConstantStorage.class, List.of(socket.toString()), List.of(socket), scratch.file("crowd.log"))) {
            Files.write(
                    answer,
                    RecordedResult.of(
                            socket,
                            "dir",
                            "volume_size_info",
                            PositionalCalls.params(
                                    StorageApi.API, StorageApi.API.method("volume_size_info"), size, "dir")));
            try (JavaProcess _ = JavaProcess.start(
                            EchoServer.class,
                            List.of(echo.toString(), answer.toString(), EchoServer.NOTHING),
                            List.of(echo),
                            scratch.file("crowd-echo.log"));
                    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                channel.connect(UnixDomainSocketAddress.of(socket));
                Value.Fields params = PositionalCalls.params(
                        StorageApi.API, StorageApi.API.method("list_images"), List.of("bench", config), "dir");
                Thread crowd = Thread.ofPlatform().daemon().start(() -> ask(channel, params, lists));
                Comparison small = PerlToJava.compare(
                        new PerlToJava.Case(
                                "volume_size_info, constants",
                                socket,
                                "volume_size_info",
                                size,
                                null,
                                new PerlToJava.Targets(Double.NaN, TARGET_P99)),
                        echo,
                        plan);
                long most = daemon.mostResident();
                crowd.interrupt();
                crowd.join();
                return new Result(
                        new PerlToJava.Judged(small, new PerlToJava.Targets(Double.NaN, TARGET_P99)),
                        lists.get(),
                        most);
            }
        }
    }

    private static void ask(SocketChannel channel, Value.Fields params, AtomicLong lists) {
        try {
            DataInputStream in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), BUFFER));
            send(
                    channel,
                    new Frame.Hello(new Value.Fields(Map.of(
                            "protocols", new Value.Seq(List.of(new Value.Int(1))), "role", new Value.Text("client")))));
            skip(in);
            while (true) {
                for (int id = 1; id <= LISTS; id++) {
                    send(channel, new Frame.Request(id, "list_images", params, new CallContext("dir", null)));
                }
                for (int id = 1; id <= LISTS; id++) {
                    if (skip(in) < BUFFER) {
                        throw new IllegalStateException("an answer is no list");
                    }
                    lists.incrementAndGet();
                }
            }
        } catch (ClosedChannelException e) {
            // It is over.
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void send(SocketChannel channel, Frame frame) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(CODEC.encode(frame));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static int skip(DataInputStream in) throws IOException {
        int length = in.readInt();
        in.skipNBytes(length);
        return length;
    }
}
