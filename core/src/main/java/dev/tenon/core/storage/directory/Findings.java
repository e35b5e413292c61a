package dev.tenon.core.storage.directory;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.OpenFiles;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Finding.Remedy;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects what the examiners of a storage find. */
final class Findings {
    private final List<Finding> findings = new ArrayList<>();

    /** Puts something right. */
    interface Work {
        void run() throws IOException;
    }

    List<Finding> all() {
        return List.copyOf(findings);
    }

    /** Something that can be put right without any risk. */
    void automatic(Kind kind, Path place, String what, String repair, @Nullable Interruption cause, Work work) {
        automatic(kind, place, what, Certainty.SURE, repair, cause, work);
    }

    /** The same for something that may be intended. */
    void automatic(
            Kind kind,
            Path place,
            String what,
            Certainty certainty,
            String repair,
            @Nullable Interruption cause,
            Work work) {
        findings.add(new Finding(
                kind,
                place.toString(),
                what,
                certainty,
                new Remedy.Automatic(repair, () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        throw Failures.of(e, Outcome.UNKNOWN, "unable to repair '" + place + "'");
                    }
                }),
                cause == null ? null : cause.id()));
    }

    /** Something that a person must decide. */
    void byHand(Kind kind, Path place, String what, Certainty certainty, String advice, @Nullable Interruption cause) {
        findings.add(new Finding(
                kind, place.toString(), what, certainty, new Remedy.ByHand(advice), cause == null ? null : cause.id()));
    }

    /** A file that cannot be judged, because a program has it open. */
    void inUse(Path file, String what, long pid, @Nullable Interruption cause) {
        byHand(
                Kind.IN_USE,
                file,
                what + "; process " + pid + " (" + OpenFiles.nameOf(pid) + ") has '" + file + "' open",
                Certainty.SURE,
                "examine the storage again when that has ended",
                cause);
    }

    /** An entry in a directory that cannot be read. */
    static StorageException unreadable(Storage storage, Path directory, IOException failure) {
        return Failures.of(
                failure,
                Outcome.NOT_STARTED,
                "unable to examine storage '" + storage.id() + "' in '" + directory + "'");
    }
}
