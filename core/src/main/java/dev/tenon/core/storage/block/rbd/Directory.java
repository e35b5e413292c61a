package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.linux.Rados;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The images of a pool with their sizes and parents, as the OSDs' class {@code rbd} tells of them: by two calls for each
 * image, many at once, where {@code rbd ls -l} opens each image. The calls are those of the kernel's client. Numbers are
 * little-endian; texts have their length before them, in four bytes.
 */
final class Directory {
    private static final String TYPE = "rbd";
    private static final String DIRECTORY = "rbd_directory";
    private static final String HEADER = "rbd_header.";

    /** The number of a snapshot that is none: the image as it is. */
    private static final long NOW = -2;

    private static final long NO_POOL = -1;
    private static final int AT_A_TIME = 512;
    private static final int LONGEST_PAGE = 4 << 20;
    private static final int LONGEST_ANSWER = 1024;
    private static final int NO_ENTRY = -2;

    private final Rados.Pool pool;

    private Directory(Rados.Pool pool) {
        this.pool = pool;
    }

    /** A snapshot by the image that has it and its number. */
    private record Origin(String image, long snapshot) {}

    /** An image before the name of its parent is known. */
    private record Found(String name, long size, Optional<Origin> origin) {}

    /**
     * The images, without their snapshots.
     *
     * @return empty if only {@code rbd} can tell, for instance because a parent is in another pool
     */
    static Optional<List<Image>> read(Rados cluster, String poolName, String namespace) throws IOException {
        try (Rados.Pool pool = cluster.pool(poolName, namespace)) {
            return new Directory(pool).images();
        }
    }

    private Optional<List<Image>> images() throws IOException {
        Map<String, String> names = names();
        List<Rados.Call> calls = new ArrayList<>();
        for (String id : names.keySet()) {
            calls.add(new Rados.Call(HEADER + id, TYPE, "get_size", number(NOW)));
            calls.add(new Rados.Call(HEADER + id, TYPE, "get_parent", number(NOW)));
        }
        List<Rados.Result> results = pool.call(calls, LONGEST_ANSWER);
        List<Found> found = new ArrayList<>();
        Set<Origin> origins = new LinkedHashSet<>();
        long own = pool.id();
        int next = 0;
        for (Map.Entry<String, String> image : names.entrySet()) {
            Rados.Result size = results.get(next++);
            Rados.Result parent = results.get(next++);
            if (size.status() == NO_ENTRY) {
                continue; // it is being made or removed
            }
            refuseFailed(size, "image '" + image.getValue() + "'");
            Optional<Origin> origin = Optional.empty();
            // An image without the feature of clones has no parent.
            if (parent.status() == 0) {
                ByteBuffer answer = reader(parent);
                long parentPool = answer.getLong();
                String id = text(answer);
                if (parentPool != NO_POOL) {
                    if (parentPool != own || !names.containsKey(id)) {
                        return Optional.empty();
                    }
                    origin = Optional.of(new Origin(id, answer.getLong()));
                }
            } else {
                return Optional.empty();
            }
            origin.ifPresent(origins::add);
            found.add(new Found(image.getValue(), reader(size).getLong(1), origin));
        }
        Optional<Map<Origin, String>> parents = parents(names, origins);
        return parents.map(known -> found.stream()
                .map(image -> new Image(
                        image.name(),
                        image.size(),
                        image.origin().map(known::get).orElse(null),
                        List.of()))
                .sorted(Comparator.comparing(Image::name))
                .toList());
    }

    /** The names of the pool's images, by their ids. */
    private Map<String, String> names() throws IOException {
        Map<String, String> names = new LinkedHashMap<>();
        // As bytes, for not every name is UTF-8.
        byte[] last = {};
        int count;
        do {
            byte[] after = last;
            ByteBuffer input = ByteBuffer.allocate(Integer.BYTES + after.length + Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(after.length)
                    .put(after)
                    .putLong(AT_A_TIME)
                    .flip();
            Rados.Result result = pool.call(List.of(new Rados.Call(DIRECTORY, TYPE, "dir_list", input)), LONGEST_PAGE)
                    .getFirst();
            if (result.status() == NO_ENTRY) {
                return names;
            }
            refuseFailed(result, "the directory of the pool");
            ByteBuffer answer = reader(result);
            count = answer.getInt();
            for (int i = 0; i < count; i++) {
                last = bytes(answer);
                names.put(text(answer), new String(last, StandardCharsets.UTF_8));
            }
            if (count > 0 && Arrays.compareUnsigned(last, after) <= 0) {
                throw new IOException("the directory of the pool: it goes back behind '"
                        + new String(after, StandardCharsets.UTF_8) + "'");
            }
        } while (count == AT_A_TIME);
        return names;
    }

    private Optional<Map<Origin, String>> parents(Map<String, String> names, Set<Origin> origins) {
        List<Origin> asked = List.copyOf(origins);
        List<Rados.Result> results = pool.call(
                asked.stream()
                        .map(origin -> new Rados.Call(
                                HEADER + origin.image(), TYPE, "get_snapshot_name", number(origin.snapshot())))
                        .toList(),
                LONGEST_ANSWER);
        Map<Origin, String> parents = new LinkedHashMap<>();
        for (int i = 0; i < asked.size(); i++) {
            if (results.get(i).status() < 0) {
                return Optional.empty();
            }
            parents.put(asked.get(i), names.get(asked.get(i).image()) + "@" + text(reader(results.get(i))));
        }
        return Optional.of(parents);
    }

    private static void refuseFailed(Rados.Result result, String what) throws IOException {
        if (result.status() < 0) {
            throw new IOException(what + ": error " + -result.status() + " of the cluster");
        }
    }

    private static ByteBuffer number(long value) {
        return ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .flip();
    }

    private static ByteBuffer reader(Rados.Result result) {
        return result.output().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] bytes(ByteBuffer answer) {
        byte[] bytes = new byte[answer.getInt()];
        answer.get(bytes);
        return bytes;
    }

    private static String text(ByteBuffer answer) {
        return new String(bytes(answer), StandardCharsets.UTF_8);
    }
}
