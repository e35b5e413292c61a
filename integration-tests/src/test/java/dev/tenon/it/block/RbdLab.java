package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.block.rbd.RbdHost;
import dev.tenon.core.storage.block.rbd.RbdPlugin;
import dev.tenon.it.support.MiniCeph;
import dev.tenon.it.support.Scratch;
import dev.tenon.tck.Content;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A node with storages on a cluster of its own. */
public final class RbdLab {
    static final String ID = "lab";
    private static final int FILLED = 64 << 10;

    private final MiniCeph ceph;
    private final RbdHost host;

    private RbdLab(MiniCeph ceph, RbdHost host) {
        this.ceph = ceph;
        this.host = host;
    }

    /** Starts one; see {@link MiniCeph#start}. */
    public static RbdLab start(Scratch scratch, String... options) {
        return on(MiniCeph.start(scratch, options), scratch, false, Duration.ofMinutes(2));
    }

    /** The same node with other patience, by librados or by commands alone. */
    static RbdLab on(MiniCeph ceph, Scratch scratch, boolean hasLibrary, Duration patience) {
        Path etc = scratch.file("etc");
        try {
            Files.createDirectories(etc.resolve("priv/ceph"));
            Files.createDirectories(scratch.file("locks"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new RbdLab(
                ceph,
                new RbdHost(
                        ceph.programs(),
                        etc,
                        scratch.file("dev"),
                        scratch.file("sys"),
                        hasLibrary,
                        new Locks(scratch.file("locks"), null),
                        patience,
                        patience));
    }

    public MiniCeph ceph() {
        return ceph;
    }

    public RbdHost host() {
        return host;
    }

    RbdPlugin plugin() {
        return new RbdPlugin(host);
    }

    /** Makes the cluster's librados and librbd those of this process, which has none of its own or has it, too. */
    public void loadLibrary() {
        Path libraries = ceph.libraries();
        List<Path> missing = new ArrayList<>(needed(libraries));
        // One at a time, for each needs some of the others.
        for (int pass = 0; pass < 20 && !missing.isEmpty(); pass++) {
            missing.removeIf(RbdLab::isLoaded);
        }
        assertThat(missing).as("libraries that cannot be loaded").isEmpty();
    }

    @SuppressWarnings("restricted")
    private static boolean isLoaded(Path library) {
        try {
            System.load(library.toString());
            return true;
        } catch (UnsatisfiedLinkError e) {
            return false;
        }
    }

    /** What they need, of the cluster's own. */
    private static List<Path> needed(Path libraries) {
        ProcessBuilder builder = new ProcessBuilder("ldd", libraries + "/librbd.so.1");
        builder.environment().put("LD_LIBRARY_PATH", libraries + ":" + libraries + "/ceph");
        try {
            List<Path> needed = new ArrayList<>();
            for (String line :
                    builder.start().inputReader(StandardCharsets.UTF_8).lines().toList()) {
                int at = line.indexOf("=> " + libraries);
                if (at >= 0) {
                    needed.add(Path.of(line.substring(at + 3, line.indexOf(" (", at))));
                }
            }
            needed.add(libraries.resolve("librbd.so.1"));
            return needed;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A storage of this cluster, used without a key. */
    Storage storage(Map<String, Object> more) {
        return storage(ID, more);
    }

    Storage storage(String id, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("monhost", ceph.monitor());
        properties.put("content", Map.of("images", "1", "rootdir", "1"));
        properties.putAll(more);
        return Storage.of(id, "rbd", properties);
    }

    /** What rbd prints. */
    String rbd(String... arguments) {
        return ceph.run("rbd", arguments);
    }

    /** The content of images, as rbd itself writes and reads it. */
    Content content(String pool) {
        return new Content() {
            @Override
            public boolean isPresent(VolumeName volume) {
                return rbd("ls", pool).lines().anyMatch(image(volume)::equals);
            }

            @Override
            public Opened open(VolumeName volume) {
                String place = pool + "/" + image(volume);
                return new Opened() {
                    @Override
                    public void fill(int value) {
                        write(place, 0, filled(value));
                    }

                    @Override
                    public boolean isFilled(int value) {
                        return ByteBuffer.wrap(read(place, FILLED)).equals(ByteBuffer.wrap(filled(value)));
                    }

                    @Override
                    public void close() {}
                };
            }
        };
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[FILLED];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    static String image(VolumeName volume) {
        return volume.value().substring(volume.value().lastIndexOf('/') + 1);
    }

    /** Writes into an image, by a difference of one part. */
    void write(String place, long at, byte[] bytes) {
        try {
            ByteArrayOutputStream difference = new ByteArrayOutputStream();
            difference.write("rbd diff v1\n".getBytes(StandardCharsets.US_ASCII));
            difference.write('w');
            difference.write(ByteBuffer.allocate(2 * Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(at)
                    .putLong(bytes.length)
                    .array());
            difference.write(bytes);
            difference.write('e');
            Path file = Files.createTempFile(host.etc(), "difference-", "");
            Files.write(file, difference.toByteArray());
            rbd("import-diff", "--no-progress", file.toString(), place);
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first bytes of an image. */
    byte[] read(String place, int length) {
        ProcessBuilder builder = new ProcessBuilder(
                        List.of(ceph.programs().resolve("rbd").toString(), "export", "--no-progress", place, "-"))
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(ceph.environment());
        try {
            Process process = builder.start();
            try (InputStream output = process.getInputStream()) {
                return output.readNBytes(length);
            } finally {
                process.destroyForcibly().onExit().join();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
