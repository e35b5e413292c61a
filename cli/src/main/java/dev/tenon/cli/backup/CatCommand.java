package dev.tenon.cli.backup;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.storage.tenonbackup.ContainerFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The bytes of a file in a container's backup. */
@Command(
        name = "cat",
        mixinStandardHelpOptions = true,
        description = "Writes a file of a container's backup to standard output.",
        footer = {"", "Example: tenon backup cat keep:backup/lxc/101/2026-01-02T03:04:05Z /etc/hostname"})
final class CatCommand extends FilesCommand {
    private static final int PIECE = 1 << 20;

    @Parameters(index = "1", paramLabel = "PATH", description = "in the container")
    private String path = "";

    @Override
    protected void run(ContainerFiles files) throws IOException {
        try (Descriptor out = streams().takeOutput();
                DataFlow flow = new DataFlow()) {
            ByteBuffer buffer = flow.buffer(PIECE);
            files.write(path, new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    for (int at = 0; at < length; ) {
                        int part = Math.min(PIECE, length - at);
                        buffer.clear().put(bytes, offset + at, part).flip();
                        while (buffer.hasRemaining()) {
                            flow.write(buffer, out);
                        }
                        at += part;
                    }
                }
            });
        }
    }
}
