package dev.tenon.core.storage.mounted.btrfs;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Examinable;
import dev.tenon.core.spi.Finding;
import dev.tenon.core.spi.Interruption;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.common.Paths;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Finds what PVE's own plugin leaves when it is interrupted: the subvolume {@code NAME.tmp.PID} of a rollback and the
 * directory {@code recv.VMID.tmp} of an import. What Tenon leaves lies in hidden directories, as in every directory.
 *
 * @param files finds those and everything else
 */
record ExaminableSubvolumes(BtrfsPlugin plugin, Examinable files) implements Examinable {
    private static final Pattern ROLLBACK = Pattern.compile("((?:vm|base|subvol)-.+)\\.tmp\\.\\d+");
    private static final Pattern IMPORT = Pattern.compile("recv\\.\\d+\\.tmp");

    @Override
    public List<Finding> examine(Storage storage, List<Interruption> interruptions) {
        List<Finding> findings = new ArrayList<>(files.examine(storage, interruptions));
        for (Path directory : Snapshots.guestDirectories(Paths.of(plugin.getSubdir(storage, ContentType.IMAGES)))) {
            for (Path entry : Snapshots.entries(directory)) {
                String name = String.valueOf(entry.getFileName());
                if (ROLLBACK.matcher(name).matches() && Subvolumes.isOne(entry)) {
                    findings.add(left(
                            entry,
                            "is a copy of a snapshot, or what was in the place of one, from a rollback by PVE's own plugin",
                            "if no rollback is under way, remove it: btrfs subvolume delete " + entry));
                } else if (IMPORT.matcher(name).matches() && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    findings.add(left(
                            entry,
                            "holds what PVE's own plugin was importing, and keeps it from importing more for this guest",
                            "if no import is under way, remove it: btrfs subvolume delete " + entry + "/*; rmdir "
                                    + entry));
                }
            }
        }
        return findings;
    }

    private static Finding left(Path place, String what, String advice) {
        return new Finding(
                Finding.Kind.UNFINISHED,
                place.toString(),
                "'" + place + "' " + what,
                Finding.Certainty.LIKELY,
                new Finding.Remedy.ByHand(advice),
                null);
    }

    @Override
    public Map<String, String> witness(Storage storage, VolumeName volume) {
        return files.witness(storage, volume);
    }
}
