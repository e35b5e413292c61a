package dev.tenon.bench;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.linux.UnixSocket;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StreamSource;
import dev.tenon.core.spi.StreamTarget;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The engine of transfers without the daemon around it. Argument: its socket. */
final class MoverMain {
    private MoverMain() {}

    public static void main(String[] args) throws IOException {
        try (UnixSocket listener = UnixSocket.listen(Path.of(args[0]), 64)) {
            while (true) {
                UnixSocket connection = listener.accept().orElseThrow();
                Thread.ofPlatform().start(() -> serve(connection));
            }
        }
    }

    private static void serve(UnixSocket socket) {
        try (socket) {
            UnixSocket.Message first = socket.receive(1);
            if (first.descriptors().isEmpty()) {
                return;
            }
            Descriptor stream = first.descriptors().getFirst();
            String[] words = new String(socket.receive(4096).bytes(), StandardCharsets.UTF_8)
                    .strip()
                    .split(" ", 2);
            Path image = Path.of(words[1]);
            String answer = "done\n";
            try {
                if (words[0].equals("export")) {
                    try (DescriptorExport export = new DescriptorExport(stream, StreamSettings.USUAL)) {
                        export.send(new StreamSource.Content(image, ByteSize.ofBytes(Files.size(image))));
                    }
                } else {
                    try (DescriptorImport incoming = new DescriptorImport(stream, StreamSettings.USUAL)) {
                        incoming.receive(new StreamTarget.NewFile(image), incoming.size());
                    }
                }
            } catch (RuntimeException e) {
                answer = e + "\n";
            }
            socket.send(answer.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
