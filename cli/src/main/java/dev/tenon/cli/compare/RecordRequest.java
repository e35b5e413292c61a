package dev.tenon.cli.compare;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.serve.ServedPlugins;
import dev.tenon.cli.console.Json;
import dev.tenon.core.record.Recorder;
import dev.tenon.core.record.Recording;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Begins, ends and erases recordings, as the words say, and tells which there are. */
final class RecordRequest implements ServedPlugins.Request {
    static final String NAME = "record";
    static final String DO = "do";
    static final String TYPE = "type";
    static final String STORAGE = "storage";
    static final String SECONDS = "seconds";
    static final String MIB = "mib";
    static final String DAYS = "days";
    static final String MAP_NAMES = "map_names";
    static final String FILE = "file";

    static final String START = "start";
    static final String STOP = "stop";
    static final String ERASE = "erase";
    static final String LIST = "list";

    private static final int MIB_BITS = 20;

    private final @Nullable Recorder recorder;

    /**
     * For a daemon.
     *
     * @param recorder null if it records nothing
     */
    RecordRequest(@Nullable Recorder recorder) {
        this.recorder = recorder;
    }

    @Override
    public String answer(Map<String, String> words) {
        Recorder own = recorder;
        if (own == null) {
            throw StorageException.refused(
                    StorageError.NOT_SUPPORTED, "this daemon does not record: start it with --recordings DIR");
        }
        try {
            switch (words.getOrDefault(DO, LIST)) {
                case START -> own.start(wanted(words));
                case STOP -> own.stop();
                case ERASE -> erase(own, words.getOrDefault(FILE, ""));
                default -> own.recordings().eraseExpired();
            }
            List<Object> all = new ArrayList<>();
            for (Recording recording : own.recordings().all()) {
                all.add(told(recording, own.writing().orElse(null)));
            }
            return JSON.std.asString(Json.object("recordings", all));
        } catch (IllegalArgumentException e) {
            throw StorageException.refused(StorageError.BAD_PARAMETER, String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, "the recording was not seen to end", e);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN, String.valueOf(e.getMessage()), e);
        }
    }

    private static Recorder.Wanted wanted(Map<String, String> words) {
        String storage = words.get(STORAGE);
        return new Recorder.Wanted(
                words.get(TYPE),
                storage == null ? null : new StorageId(storage),
                Duration.ofSeconds(number(words, SECONDS)),
                number(words, MIB) << MIB_BITS,
                Duration.ofDays(number(words, DAYS)),
                words.containsKey(MAP_NAMES));
    }

    private static long number(Map<String, String> words, String name) {
        String text = words.getOrDefault(name, "");
        if (!text.matches("[0-9]{1,6}")) {
            throw new IllegalArgumentException("'" + text + "' is no number of '" + name + "'");
        }
        return Long.parseLong(text);
    }

    private static void erase(Recorder recorder, String name) throws IOException {
        Path writing = recorder.writing().orElse(null);
        if (writing != null && writing.endsWith(name)) {
            throw new IOException("'" + name + "' is being recorded: stop it first");
        }
        recorder.recordings().erase(name);
    }

    private static Map<String, @Nullable Object> told(Recording recording, @Nullable Path writing) {
        Recording.End end = recording.end();
        boolean isNow = recording.file().equals(writing);
        return Json.object(
                "file",
                recording.file().toAbsolutePath().toString(),
                "begin",
                recording.begin().toString(),
                "end",
                end == null ? null : end.at().toString(),
                "state",
                isNow ? "recording" : end == null ? "broken off" : end.why(),
                "calls",
                end == null ? null : end.calls(),
                "dropped",
                end == null ? null : end.dropped(),
                "left_out",
                end == null ? null : end.leftOut(),
                "bytes",
                recording.bytes(),
                "names_mapped",
                recording.areNamesMapped(),
                "expires",
                recording.expires().toString());
    }
}
