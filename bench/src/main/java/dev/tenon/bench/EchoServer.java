package dev.tenon.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the daemon would be if nothing had to be done: plain JDK, one thread that blocks. It reads a frame and answers
 * every call with the same bytes and the call's id; nothing is decoded. Where the daemon has to look at an image, so does
 * this: it opens the file and reads its header before each answer.
 */
final class EchoServer {
    /** In the place of an image. */
    static final String NOTHING = "-";

    private static final int ARGUMENTS = 3;
    private static final int HEADER_BYTES = 4096;
    private static final int LENGTH_BYTES = 4;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int HELLO = 1;
    private static final int REQUEST = 2;
    private static final int CLOSE = 9;
    private static final byte LIST_OF_3 = (byte) 0x93;
    private static final byte RESPONSE = 3;

    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);
    private final ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES);
    private final byte[] result;
    private final @Nullable Path image;

    private EchoServer(byte[] result, @Nullable Path image) {
        this.result = result;
        this.image = image;
    }

    /**
     * Arguments, three for each thread: a socket to listen on, a file with the bytes to answer with, and the image to look
     * at before, {@link #NOTHING} for none.
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Thread last = Thread.currentThread();
        for (int i = 0; i < args.length; i += ARGUMENTS) {
            Path socket = Path.of(args[i]);
            byte[] result = Files.readAllBytes(Path.of(args[i + 1]));
            Path image = args[i + 2].equals(NOTHING) ? null : Path.of(args[i + 2]);
            ServerSocketChannel server =
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
            last = Thread.ofPlatform()
                    .name("echo-" + i / ARGUMENTS)
                    .start(() -> serve(server, new EchoServer(result, image)));
        }
        last.join();
    }

    private static void serve(ServerSocketChannel server, EchoServer echo) {
        while (true) {
            try (SocketChannel channel = server.accept()) {
                echo.serve(channel);
            } catch (EOFException e) {
                // whoever looked whether somebody listens here
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void serve(SocketChannel channel) throws IOException {
        in.clear().limit(0);
        while (true) {
            int length = fill(channel, LENGTH_BYTES).getInt();
            int end = fill(channel, length).position() + length;
            in.get(); // the list
            switch (in.get()) {
                case HELLO -> sayHello();
                case REQUEST -> answer();
                case CLOSE -> {
                    return;
                }
                default -> throw new IOException("a frame that no client sends");
            }
            in.position(end);
            while (out.hasRemaining()) {
                channel.write(out);
            }
        }
    }

    /** The buffer with at least so many bytes to read. */
    private ByteBuffer fill(SocketChannel channel, int bytes) throws IOException {
        if (in.remaining() < bytes) {
            in.compact();
            while (in.position() < bytes) {
                if (channel.read(in) < 0) {
                    throw new EOFException();
                }
            }
            in.flip();
        }
        return in;
    }

    private void sayHello() {
        byte[] protocols = "protocols".getBytes(StandardCharsets.US_ASCII);
        out.clear().putInt(0);
        out.put((byte) 0x92).put((byte) HELLO).put((byte) 0x81);
        out.put((byte) (0xa0 | protocols.length)).put(protocols);
        out.put((byte) 0x91).put((byte) 1);
        out.putInt(0, out.position() - LENGTH_BYTES).flip();
    }

    private void answer() throws IOException {
        if (image != null) {
            try (FileChannel file = FileChannel.open(image)) {
                file.read(header.clear());
            }
        }
        out.clear().putInt(0).put(LIST_OF_3).put(RESPONSE);
        byte first = in.get();
        out.put(first);
        int more = switch (Byte.toUnsignedInt(first)) {
            case 0xcc -> 1;
            case 0xcd -> 2;
            case 0xce -> 4;
            case 0xcf -> 8;
            default -> 0;
        };
        for (int i = 0; i < more; i++) {
            out.put(in.get());
        }
        out.put(result);
        out.putInt(0, out.position() - LENGTH_BYTES).flip();
    }
}
