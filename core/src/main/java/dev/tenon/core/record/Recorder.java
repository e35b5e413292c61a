package dev.tenon.core.record;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.compare.Answer;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down what plugins are asked in earnest and what they answer, for a time. Callers never wait for it: calls wait to be
 * written in a queue that is bounded by their number and by what is in their answers, and are dropped and counted when it is
 * full. One recording is made at a time.
 */
public final class Recorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Recorder.class);

    /** A key that is there without a value is another answer than one that is not. */
    private static final JSON LINES = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

    /** All files together. */
    private static final long MOST_BYTES = 1L << 30;

    private static final int MOST_WAITING = 1024;
    private static final int MOST_ELEMENTS = 50_000;
    private static final DateTimeFormatter NAME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    /** They take what there is once, wait for others, or give something that lasts. */
    private static final Set<String> ONCE = Set.of("exportVolume", "importVolume", "lockStorage", "newBackupProvider");

    private final Recordings recordings;
    private final CallForm form;
    private final Map<String, StoragePlugin> types = new TreeMap<>();
    private final ScheduledExecutorService expiring = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("recordings").factory());
    private volatile @Nullable Running running;

    /**
     * What is written down.
     *
     * @param type only calls of this storage type, null for all
     * @param storage only calls of this storage, null for all, and for those about no storage
     * @param time how long
     * @param bytes the file's largest size
     * @param kept how long the file is kept
     * @param mapsNames whether names get stand-ins
     */
    public record Wanted(
            @Nullable String type,
            @Nullable StorageId storage,
            Duration time,
            long bytes,
            Duration kept,
            boolean mapsNames) {
        private static final Duration LONGEST = Duration.ofDays(1);
        private static final Duration LONGEST_KEPT = Duration.ofDays(366);

        public Wanted {
            if (!time.isPositive() || time.compareTo(LONGEST) > 0) {
                throw new IllegalArgumentException(
                        "a recording takes from a second to a day, not " + time.toSeconds() + " s");
            }
            if (bytes < 1 << 20 || bytes > MOST_BYTES) {
                throw new IllegalArgumentException("a recording has from 1 MiB to 1 GiB, not " + bytes + " bytes");
            }
            if (!kept.isPositive() || kept.compareTo(LONGEST_KEPT) > 0) {
                throw new IllegalArgumentException(
                        "a recording is kept from a day to a year, not " + kept.toDays() + " days");
            }
        }
    }

    /** Writes into a directory, which is made when it is needed. What has expired there is erased, now and every hour. */
    public Recorder(Path directory, CallForm form) {
        this.recordings = new Recordings(directory);
        this.form = form;
        var _ = expiring.scheduleWithFixedDelay(recordings::eraseExpired, 0, 1, TimeUnit.HOURS);
    }

    /** The same plugin, whose calls are written down while somebody wants it. */
    public StoragePlugin plugin(String type, StoragePlugin plugin) {
        types.put(type, plugin);
        return Decorator.decorate(plugin, (call, next) -> around(type, call, next));
    }

    private @Nullable Object around(String type, Call<?> call, Supplier<@Nullable Object> next) {
        Running recording = running;
        if (recording == null || !recording.wants(type, call)) {
            return next.get();
        }
        Instant at = Instant.now();
        long begin = System.nanoTime();
        try {
            Object value = next.get();
            recording.offer(call, new Answer.Value(value, Duration.ofNanos(System.nanoTime() - begin)), at);
            return value;
        } catch (RuntimeException e) {
            recording.offer(call, Answer.ofFailure(e, Duration.ofNanos(System.nanoTime() - begin)), at);
            throw e;
        }
    }

    /** What has been recorded. */
    public Recordings recordings() {
        return recordings;
    }

    /** The file that is being written, empty if none is. */
    public Optional<Path> writing() {
        return Optional.ofNullable(running).map(recording -> recording.file);
    }

    /**
     * Begins.
     *
     * @return the file
     * @throws IllegalArgumentException if there is no such type
     * @throws IOException if one is being made, there is no room, or it cannot be written; nothing is recorded then
     */
    public synchronized Path start(Wanted wanted) throws IOException {
        Running before = running;
        if (before != null) {
            throw new IOException("'" + before.file + "' is being recorded until " + before.end + ": stop that first");
        }
        if (wanted.type() != null && !types.containsKey(wanted.type())) {
            throw new IllegalArgumentException(
                    "there is no storage type '" + wanted.type() + "'; there are " + String.join(", ", types.keySet()));
        }
        recordings.eraseExpired();
        long there = recordings.all().stream().mapToLong(Recording::bytes).sum();
        if (there + wanted.bytes() > MOST_BYTES) {
            throw new IOException("the recordings in '" + recordings.directory() + "' have " + there
                    + " bytes, and with this one" + " there might be more than " + MOST_BYTES + ": erase some");
        }
        Running recording = new Running(wanted);
        running = recording;
        recording.writer.start();
        LOG.info("event=recording file={} until={} wanted=\"{}\"", recording.file, recording.end, wanted);
        return recording.file;
    }

    /**
     * Ends a recording early, if there is one, and waits until it is on the disk.
     *
     * @throws InterruptedException if this thread is interrupted
     */
    public synchronized void stop() throws InterruptedException {
        Running recording = running;
        if (recording != null) {
            recording.stop();
        }
    }

    @Override
    public void close() {
        expiring.shutdownNow();
        try {
            stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private record Made(Call<?> call, Answer answer, Instant at, int weight) {}

    /** One that is being made. */
    private final class Running {
        private final Wanted wanted;
        private final Instant begin = Instant.now();
        private final Instant end;
        private final Path file;
        private final FileChannel channel;
        private final BlockingQueue<Optional<Made>> queue = new ArrayBlockingQueue<>(MOST_WAITING);
        private final AtomicLong elements = new AtomicLong();
        private final LongAdder dropped = new LongAdder();
        private final LongAdder leftOut = new LongAdder();
        private final Thread writer =
                Thread.ofPlatform().daemon().name("recorder").unstarted(this::work);

        /** Null while calls are taken. */
        private volatile @Nullable String why;

        private long calls;
        private long written;

        Running(Wanted wanted) throws IOException {
            this.wanted = wanted;
            this.end = begin.plus(wanted.time());
            Files.createDirectories(
                    recordings.directory(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            this.file = recordings.directory().resolve(NAME.format(begin) + Recordings.ENDING);
            try {
                this.channel = FileChannel.open(
                        file,
                        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            } catch (FileAlreadyExistsException e) {
                throw new IOException("'" + file + "' was recorded in this second: try again", e);
            }
            try {
                write(head());
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        }

        private Map<String, @Nullable Object> head() {
            Map<String, @Nullable Object> head = new LinkedHashMap<>();
            head.put(Recording.MARK, Recording.VERSION);
            head.put("begin", begin.toString());
            head.put("expires", end.plus(wanted.kept()).toString());
            head.put("names_mapped", wanted.mapsNames());
            return head;
        }

        boolean wants(String type, Call<?> call) {
            boolean isWanted = why == null
                    && (wanted.type() == null || wanted.type().equals(type))
                    && (wanted.storage() == null || wanted.storage().equals(call.storage()));
            if (isWanted && ONCE.contains(call.operation())) {
                leftOut.increment();
                return false;
            }
            return isWanted;
        }

        void offer(Call<?> call, Answer answer, Instant at) {
            int weight = answer instanceof Answer.Value(Collection<?> many, var _) ? many.size() : 0;
            if (elements.addAndGet(weight) > MOST_ELEMENTS
                    || !queue.offer(Optional.of(new Made(call, answer, at, weight)))) {
                elements.addAndGet(-weight);
                dropped.increment();
            }
        }

        void stop() throws InterruptedException {
            why = "stopped";
            queue.offer(Optional.empty(), 1, TimeUnit.SECONDS);
            writer.join();
        }

        private void work() {
            try (channel) {
                Hiding hiding = new Hiding(sensitive(), wanted.mapsNames());
                for (Made made = next(); made != null; made = next()) {
                    elements.addAndGet(-made.weight());
                    if (!write(hiding.of(made.call(), line(made)))) {
                        why = "full";
                        break;
                    }
                    calls++;
                }
                dropped.add(queue.stream().filter(Optional::isPresent).count());
                finish();
            } catch (IOException | InterruptedException | RuntimeException e) {
                LOG.error("event=recording-broken-off file={} reason=\"{}\"", file, e.getMessage(), e);
            } finally {
                why = "broken off";
                running = null;
            }
        }

        /** Null at the end. What waits then is written. */
        private @Nullable Made next() throws InterruptedException {
            Optional<Made> next = null;
            if (why == null) {
                next = queue.poll(Duration.between(Instant.now(), end).toNanos(), TimeUnit.NANOSECONDS);
                if (!Instant.now().isBefore(end)) {
                    why = "time";
                }
            }
            if (next == null) {
                next = queue.poll();
            }
            return next == null ? null : next.orElse(null);
        }

        private Map<String, @Nullable Object> line(Made made) {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put(
                    "at_us",
                    TimeUnit.NANOSECONDS.toMicros(
                            Duration.between(begin, made.at()).toNanos()));
            line.put(
                    "took_us",
                    TimeUnit.NANOSECONDS.toMicros(made.answer().time().toNanos()));
            line.putAll(form.write(made.call(), made.answer()));
            return line;
        }

        private void finish() throws IOException {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("end", Instant.now().toString());
            line.put("why", why);
            line.put("calls", calls);
            line.put("dropped", dropped.sum());
            line.put("left_out", leftOut.sum());
            put(line);
            channel.force(true);
            LOG.info("event=recorded file={} why={} calls={} dropped={}", file, why, calls, dropped.sum());
        }

        /** Whether there was room. */
        private boolean write(Map<String, @Nullable Object> line) throws IOException {
            ByteBuffer bytes = bytes(line);
            if (written + bytes.remaining() > wanted.bytes()) {
                return false;
            }
            written += bytes.remaining();
            put(bytes);
            return true;
        }

        private void put(Map<String, @Nullable Object> line) throws IOException {
            put(bytes(line));
        }

        private void put(ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }

        private static ByteBuffer bytes(Map<String, @Nullable Object> line) throws IOException {
            return ByteBuffer.wrap((LINES.asString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    /** What the plugins call sensitive. One that does not tell keeps none of the usual ones from being left out. */
    private Set<String> sensitive() {
        Set<String> sensitive = new TreeSet<>();
        types.values().forEach(plugin -> {
            try {
                Set<String> own = plugin.pluginData().sensitiveProperties();
                sensitive.addAll(own == null ? Set.of() : own);
            } catch (StorageException e) {
                LOG.warn("event=no-sensitive-properties reason=\"{}\"", e.getMessage());
            }
        });
        return sensitive;
    }
}
