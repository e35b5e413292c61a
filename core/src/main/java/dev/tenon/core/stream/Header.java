package dev.tenon.core.stream;

import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The eight bytes that a stream begins with: a size, lowest byte first. */
final class Header {
    private Header() {}

    /** Reads it; its bytes are left in the buffer that is returned. */
    static ByteBuffer read(Pace pace, DataFlow flow, Descriptor source) throws IOException {
        ByteBuffer header = flow.buffer(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (header.hasRemaining()) {
            pace.awaitPeer(flow, source, DataFlow.Ready.READ);
            int read = flow.read(source, header);
            if (read == 0) {
                throw pace.broken("it ended inside its first eight bytes, which tell the size");
            } else if (read > 0) {
                pace.advance(read);
            }
        }
        pace.digest(header.flip().duplicate());
        return header;
    }
}
