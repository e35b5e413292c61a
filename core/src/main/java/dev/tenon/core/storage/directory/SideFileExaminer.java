package dev.tenon.core.storage.directory;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.Finding.Certainty;
import dev.tenon.core.spi.Finding.Kind;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.VolumeNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds files beside backups that are gone, and notes that were not written as they were meant. */
record SideFileExaminer(Storage storage, Causes causes, Findings findings) {
    void examine(Path dump) {
        examineLeft(dump);
        examineNotes(dump);
    }

    /** Until Tenon told characters from octets, notes of an adopted storage were encoded by both sides of it. */
    private void examineNotes(Path dump) {
        for (String name : Examination.names(storage, dump)) {
            BackupFiles backup = new BackupFiles(dump.resolve(name));
            if (!isBackup(name) || !Files.isRegularFile(backup.notesFile(), LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            notesAsMeant(backup)
                    .ifPresent(meant -> findings.automatic(
                            Kind.NOTES_ENCODED_TWICE,
                            backup.notesFile(),
                            "the notes of the backup '" + name + "' seem to have been encoded twice; they begin "
                                    + Quoted.of(meant.lines().findFirst().orElse("")) + " if that is undone",
                            Certainty.LIKELY,
                            "write them as they were meant",
                            null,
                            () -> notesAsMeant(backup).ifPresent(backup::setNotes)));
        }
    }

    private static Optional<String> notesAsMeant(BackupFiles backup) {
        try {
            return backup.notesBeforeTheyWereEncodedTwice();
        } catch (StorageException e) {
            return Optional.empty();
        }
    }

    private void examineLeft(Path dump) {
        Optional<Interruption> pruning = causes.of(Set.of(Mutation.PRUNE_BACKUPS));
        for (String name : Examination.names(storage, dump)) {
            boolean isNotes = name.endsWith(BackupFiles.NOTES_SUFFIX);
            String archive = name.replaceFirst("\\.(?:notes|protected)$", "");
            if (archive.equals(name)
                    || !isBackup(archive)
                    || Files.exists(dump.resolve(archive), LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            Path file = dump.resolve(name);
            String what = "'" + file + "' belongs to the backup '" + archive + "', which is missing";
            Interruption cause = causes.of(Set.of(Mutation.FREE_IMAGE), List.of(dump.resolve(archive)))
                    .or(() -> isNotes ? pruning : Optional.empty())
                    .orElse(null);
            if (cause != null || isEmptyFile(file)) {
                findings.automatic(Kind.SIDE_FILE_LEFT, file, what, "remove it", cause, () -> {
                    if (!Files.exists(dump.resolve(archive), LinkOption.NOFOLLOW_LINKS)) {
                        Files.deleteIfExists(file);
                    }
                });
            } else {
                findings.byHand(
                        Kind.SIDE_FILE_LEFT,
                        file,
                        what,
                        Certainty.SURE,
                        "remove it if the backup was not merely moved away",
                        null);
            }
        }
    }

    private static boolean isEmptyFile(Path file) {
        try {
            FileStatus status = FileStatus.ofLink(file);
            return status.isRegularFile() && status.size() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isBackup(String name) {
        try {
            VolumeNames.parse(new VolumeName("backup/" + name));
            return true;
        } catch (StorageException e) {
            return false;
        }
    }
}
