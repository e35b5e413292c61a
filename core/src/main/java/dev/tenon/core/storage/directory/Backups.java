package dev.tenon.core.storage.directory;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.PruneMark;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.BackupRemoval;
import dev.tenon.core.storage.common.Pruning;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The backups of a storage, and what is noted in the files beside them.
 *
 * @param at the storage
 */
record Backups(Locations at) {
    /** Empty if the volume is no backup. */
    private Optional<BackupFiles> find(VolumeName volume) {
        if (at.plugin().parseVolname(volume).type() != ContentType.BACKUP) {
            return Optional.empty();
        }
        Path file = at.file(volume, null);
        at.refuseWayOut(file, volume, ContentType.BACKUP);
        return Optional.of(new BackupFiles(file));
    }

    Optional<String> attribute(VolumeName volume, VolumeAttribute attribute) {
        return find(volume).map(backup -> switch (attribute) {
            case NOTES -> backup.notes();
            case PROTECTED -> backup.isProtected() ? "1" : "0";
        });
    }

    void updateAttribute(VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        BackupFiles backup = find(volume)
                .orElseThrow(() ->
                        Locations.refusedFor(volume, "only backups support attribute '" + attribute.word() + "'"));
        if (!Files.exists(backup.archive())) {
            throw at.missing(volume);
        }
        String text = value == null ? "" : value;
        switch (attribute) {
            case NOTES -> backup.setNotes(text);
            case PROTECTED -> backup.setProtected(!text.isEmpty() && !text.equals("0"));
        }
    }

    Pruned prune(Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        Pruning.check(retention);
        List<ListedVolume> backups =
                at.plugin().listVolumes(at.storage(), selection.owner(), Set.of(ContentType.BACKUP));
        List<PruneMark> marks = Pruning.marks(backups, retention, selection.type());
        if (!isDryRun) {
            BackupRemoval.run(
                    marks,
                    mark -> find(mark.volid().volume())
                            .orElseThrow(() -> Locations.refusedFor(mark.volid().volume(), "not a backup"))
                            .remove(),
                    log);
        }
        return new Pruned(marks, retention);
    }
}
