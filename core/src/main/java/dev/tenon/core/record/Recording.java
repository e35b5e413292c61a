package dev.tenon.core.record;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.StorageId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file of calls and their answers: a line of JSON that says what it is, a line for each call, and a line at the end. A file
 * without the last was written by a daemon that did not end it; its calls are good. See docs/RECORDING.md.
 *
 * @param expires when it is erased
 * @param areNamesMapped whether names have stand-ins
 * @param end null if its writer did not end it, or has not yet
 */
public record Recording(
        Path file,
        Instant begin,
        Instant expires,
        boolean areNamesMapped,
        long bytes,
        @Nullable End end) {
    /** The version of the format. */
    static final int VERSION = 1;

    static final String MARK = "tenon_recording";

    /** What is left of the configuration of a storage that has another place. */
    private static final Set<String> OF_PLACES = Set.of(
            "type",
            "path",
            "content",
            "content-dirs",
            "format",
            "preallocation",
            "prune-backups",
            "snapshot-as-volume-chain");

    /** No last line is longer. */
    private static final int TAIL = 1000;

    /**
     * How it ended.
     *
     * @param why {@code time}, {@code stopped} or {@code full}
     * @param calls how many there are
     * @param dropped how many came while too many waited to be written
     * @param leftOut how many cannot be made again: transfers, locks and backups
     */
    public record End(Instant at, String why, long calls, long dropped, long leftOut) {}

    /** Gets what is read. */
    @FunctionalInterface
    public interface Reader {
        /**
         * One call.
         *
         * @param at when it was made, from the beginning on
         * @throws IOException if whoever reads wants no more
         */
        void call(Duration at, CallForm.Made made) throws IOException;
    }

    /**
     * Reads what a file is, and not its calls.
     *
     * @throws IOException if it is no recording, or one of a later version; the message says what to do
     */
    public static Recording of(Path file) throws IOException {
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            Map<String, @Nullable Object> first = head(file, lines.readLine());
            return new Recording(
                    file,
                    Instant.parse(text(first, "begin")),
                    Instant.parse(text(first, "expires")),
                    Boolean.TRUE.equals(first.get("names_mapped")),
                    Files.size(file),
                    end(file));
        } catch (DateTimeException e) {
            throw new IOException("'" + file + "' is no whole recording: " + e.getMessage(), e);
        }
    }

    private static Map<String, @Nullable Object> head(Path file, @Nullable String line) throws IOException {
        Map<String, @Nullable Object> first = line == null ? Map.of() : json(line);
        if (!(first.get(MARK) instanceof Integer version)) {
            throw new IOException("'" + file + "' is no recording: its first line has no \"" + MARK + "\"");
        }
        if (version != VERSION) {
            throw new IOException("the recording '" + file + "' is of version " + version
                    + ", and this release reads version " + VERSION + ": use the release that wrote it");
        }
        return first;
    }

    private static Map<String, @Nullable Object> json(String line) {
        try {
            Map<String, @Nullable Object> object = new LinkedHashMap<>();
            JSON.std.mapFrom(line).forEach(object::put);
            return object;
        } catch (IOException e) {
            return Map.of();
        }
    }

    private static @Nullable End end(Path file) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            byte[] tail = new byte[(int) Math.min(TAIL, open.length())];
            open.seek(open.length() - tail.length);
            open.readFully(tail);
            String text = new String(tail, StandardCharsets.UTF_8).stripTrailing();
            return end(json(text.substring(text.lastIndexOf('\n') + 1)));
        }
    }

    private static @Nullable End end(Map<String, @Nullable Object> line) {
        return line.get("end") instanceof String at
                ? new End(
                        Instant.parse(at),
                        String.valueOf(line.get("why")),
                        number(line, "calls"),
                        number(line, "dropped"),
                        number(line, "left_out"))
                : null;
    }

    /**
     * Reads the calls in the order in which they ended.
     *
     * @param places where a storage is meant to be instead of the path in its configuration
     * @return how many there are
     * @throws IOException if the file cannot be read or understood, if a storage that is meant to be in another place has no
     *     path, or if the reader wants no more
     */
    public long read(CallForm form, Map<StorageId, Path> places, Reader reader) throws IOException {
        long count = 0;
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            head(file, lines.readLine());
            String line = lines.readLine();
            while (line != null) {
                String next = lines.readLine();
                Map<String, @Nullable Object> call = json(line);
                boolean isBrokenOff = call.isEmpty() && next == null;
                if (!isBrokenOff && !call.containsKey("end")) {
                    count++;
                    reader.call(
                            Duration.ofNanos(number(call, "at_us") * 1000),
                            made(form, moved(call, places, count), count));
                }
                line = next;
            }
        }
        return count;
    }

    private CallForm.Made made(CallForm form, Map<String, @Nullable Object> call, long number) throws IOException {
        try {
            return form.read(call);
        } catch (IOException e) {
            throw new IOException(
                    "call " + number + " of the recording '" + file + "' cannot be made: " + e.getMessage(), e);
        }
    }

    private static long number(Map<String, @Nullable Object> line, String key) {
        return line.get(key) instanceof Number number ? number.longValue() : 0;
    }

    private static String text(Map<String, @Nullable Object> line, String key) {
        return String.valueOf(line.get(key));
    }

    /** The same call with the storage's path, wherever it is told, as the one that is meant. */
    private Map<String, @Nullable Object> moved(
            Map<String, @Nullable Object> call, Map<StorageId, Path> places, long number) throws IOException {
        if (!(call.get("params") instanceof Map<?, ?> params
                && params.get("storeid") instanceof String id
                && params.get("scfg") instanceof Map<?, ?> recorded)) {
            return call;
        }
        Path place = places.get(new StorageId(id));
        if (place == null) {
            return call;
        }
        String path = recorded.get("path") instanceof String text ? text.replaceFirst("/+$", "") : "";
        if (path.isEmpty()) {
            // Where such a storage is, the plugin knows by itself: it would be changed, and not the copy.
            throw new IOException(
                    "storage '" + id + "' has no path in call " + number + " of the recording '" + file
                            + "', so that no directory can stand for it: replay what reads alone, without --copy and --scratch");
        }
        Pattern pattern = Pattern.compile(Pattern.quote(path) + "(?![A-Za-z0-9._-])");
        Map<String, @Nullable Object> result = moved(call, pattern, Matcher.quoteReplacement(place.toString()));
        Map<String, @Nullable Object> section = section(result);
        // What else it names, a server perhaps, must not be reached by way of the place.
        section.keySet().retainAll(OF_PLACES);
        section.put("path", place.toString());
        return result;
    }

    @SuppressWarnings("unchecked") // the maps of a call that is moved are made here
    private static Map<String, @Nullable Object> section(Map<String, @Nullable Object> call) {
        Map<?, ?> params = (Map<?, ?>) Objects.requireNonNull(call.get("params"));
        return (Map<String, @Nullable Object>) Objects.requireNonNull(params.get("scfg"));
    }

    private static Map<String, @Nullable Object> moved(Map<?, ?> map, Pattern path, String place) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
        map.forEach((key, value) -> result.put((String) key, moved(value, path, place)));
        return result;
    }

    private static @Nullable Object moved(@Nullable Object value, Pattern path, String place) {
        return switch (value) {
            case null -> null;
            case String text -> path.matcher(text).replaceAll(place);
            case Map<?, ?> map -> moved(map, path, place);
            case List<?> list -> {
                List<@Nullable Object> result = new ArrayList<>();
                list.forEach(element -> result.add(moved(element, path, place)));
                yield result;
            }
            default -> value;
        };
    }
}
