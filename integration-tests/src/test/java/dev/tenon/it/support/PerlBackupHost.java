package dev.tenon.it.support;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A host in Perl that backs up and restores guests, in the order and the processes of PVE: {@code backup-host.pl}. */
public final class PerlBackupHost {
    private final PerlProgram perl;
    private final List<Said> said = new ArrayList<>();

    /** Something that it has told, by the name of what it is. */
    public record Said(String what, @Nullable Object value) {}

    private PerlBackupHost(PerlProgram perl) {
        this.perl = perl;
    }

    /**
     * Starts one on a task.
     *
     * @param draft whether it is a host of the draft, with the draft's base class
     */
    public static PerlBackupHost start(Scratch scratch, boolean draft, Map<String, ?> task) {
        Map<String, Object> whole = new LinkedHashMap<>(task);
        whole.put("host", draft ? "draft" : "merged");
        whole.putIfAbsent("work", scratch.temporary().toString());
        whole.putIfAbsent("bitmaps", scratch.file("bitmaps").toString());
        PerlBackupHost host = new PerlBackupHost(PerlProgram.start(
                scratch,
                draft ? List.of("-I" + Installation.resource("perl/draft")) : List.of(),
                Installation.resource("perl/backup-host.pl")));
        host.say(whole);
        return host;
    }

    /** Tells it something. */
    public void say(Object value) {
        try {
            perl.say(JSON.std.asString(value));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it tells next. */
    public Said hear() {
        try {
            Map<String, Object> line = JSON.std.mapFrom(perl.line());
            Said next = new Said(String.valueOf(line.get("what")), line.get("value"));
            said.add(next);
            return next;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Hears until it tells this; what that is. */
    public @Nullable Object await(String what) {
        for (Said next = hear(); ; next = hear()) {
            if (next.what().equals(what)) {
                return next.value();
            }
        }
    }

    /** Does the rest of its task; the disks are made when it asks for them, by what it wants of their bitmaps. */
    public Optional<String> finish(Function<Map<String, String>, Map<String, ?>> disks) {
        for (Said next = hear(); ; next = hear()) {
            if (next.what().equals("setup")) {
                Map<String, String> answers = new LinkedHashMap<>();
                ((Map<?, ?>) Objects.requireNonNull(next.value()))
                        .forEach((device, answer) -> answers.put(String.valueOf(device), String.valueOf(answer)));
                say(disks.apply(answers));
            } else if (next.what().equals("result")) {
                perl.awaitEnd();
                return Optional.ofNullable(next.value()).map(String::valueOf);
            }
        }
    }

    /** The same of a task that needs no disks. */
    public Optional<String> finish() {
        return finish(answers -> Map.of());
    }

    /** Everything that it has told. */
    public List<Said> said() {
        return List.copyOf(said);
    }

    /** The values of one kind that it has told. */
    public List<String> said(String what) {
        return said.stream()
                .filter(each -> each.what().equals(what))
                .map(each -> String.valueOf(each.value()))
                .toList();
    }

    /** The process that is the host's worker. */
    public ProcessHandle process() {
        return ProcessHandle.of(perl.pid()).orElseThrow();
    }

    /** Kills that process, unless it has ended. */
    public void kill() {
        ProcessHandle.of(perl.pid()).ifPresent(ProcessHandle::destroyForcibly);
    }

    public int awaitEnd() {
        return perl.awaitEnd();
    }

    /** What it wrote to standard error. */
    public String errors() {
        return perl.errors();
    }
}
