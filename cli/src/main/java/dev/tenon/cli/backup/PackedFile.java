package dev.tenon.cli.backup;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/** A file that is read, and unpacked while it is, by what its name ends in. */
final class PackedFile implements AutoCloseable {
    private static final int BUFFER = 1 << 18;

    private final FileChannel file;
    private final InputStream content;
    private final @Nullable Process program;
    private volatile @Nullable IOException failure;

    private PackedFile(FileChannel file, Optional<List<String>> unpacking, boolean isGzip) throws IOException {
        this.file = file;
        if (unpacking.isPresent()) {
            Process started = new ProcessBuilder(unpacking.get())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            this.program = started;
            Thread.ofPlatform()
                    .daemon()
                    .name("feeding " + unpacking.get().getFirst())
                    .start(() -> feed(started));
            this.content = new Ended(started, unpacking.get().getFirst());
        } else {
            this.program = null;
            InputStream raw = new BufferedInputStream(Channels.newInputStream(file), BUFFER);
            this.content =
                    isGzip ? new BufferedInputStream(new Unzipped(new GZIPInputStream(raw, BUFFER)), BUFFER) : raw;
        }
    }

    static PackedFile open(Path path) throws IOException {
        String name = path.toString();
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new PackedFile(file, unpacking(name), name.endsWith(".gz") || name.endsWith(".tgz"));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Optional<List<String>> unpacking(String name) {
        if (name.endsWith(".zst")) {
            return Optional.of(List.of("zstd", "-q", "-d", "-c"));
        }
        if (name.endsWith(".lzo")) {
            return Optional.of(List.of("lzop", "-d", "-c"));
        }
        return name.endsWith(".bz2") ? Optional.of(List.of("bzip2", "-d", "-c")) : Optional.empty();
    }

    private void feed(Process to) {
        try (OutputStream out = to.getOutputStream()) {
            Channels.newInputStream(file).transferTo(out);
        } catch (IOException e) {
            failure = e;
        }
    }

    /** Says of a damaged file that it is one; an end that comes too early is none of the content. */
    private static final class Unzipped extends FilterInputStream {
        Unzipped(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            try {
                return in.read(to, offset, length);
            } catch (EOFException | ZipException e) {
                throw new IOException(
                        "the file is cut or damaged (" + e.getMessage() + "); check it with 'gzip -t'", e);
            }
        }
    }

    /** What a program writes; its end is one only if the program says so. */
    private final class Ended extends InputStream {
        private final Process from;
        private final InputStream in;
        private final String name;

        Ended(Process from, String name) {
            this.from = from;
            this.in = new BufferedInputStream(from.getInputStream(), BUFFER);
            this.name = name;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            int read = in.read(to, offset, length);
            if (read < 0) {
                int status;
                try {
                    status = from.waitFor();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("the import was interrupted", e);
                }
                if (status != 0) {
                    throw new IOException(
                            name + " ended with status " + status + ", so the file is cut or damaged; check it with '"
                                    + name + " -t'",
                            failure);
                }
            }
            return read;
        }
    }

    /** Unpacked. */
    InputStream content() {
        return content;
    }

    /** Bytes of the file that were read. */
    long position() throws IOException {
        return file.isOpen() ? file.position() : 0;
    }

    @Override
    public void close() throws IOException {
        if (program != null) {
            program.destroyForcibly();
        }
        file.close();
    }
}
