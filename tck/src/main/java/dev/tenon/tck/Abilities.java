package dev.tenon.tck;

import dev.tenon.core.spi.Format;
import java.util.Set;

/**
 * What a plugin can do on the storage that is tested. Whatever is not named here must be refused, with nothing done.
 *
 * @param formats the formats of the images it makes
 * @param snapshots the formats of which it takes snapshots
 * @param bases the formats that it makes base images of
 * @param clones the formats of base images that it makes linked clones of
 * @param renames the formats of the images that it renames
 * @param resizes the formats of the images that it makes larger
 * @param renamesSnapshots whether it renames snapshots
 * @param backupNotes whether it keeps notes and a mark of protection for backups, which lie in a directory
 * @param tellsWhy whether its failures have a kind and an outcome; a plugin that can only die says no more than that
 * @param convertsIntoStreams whether an image can leave in a stream of another format here; PVE's own base class needs
 *     PVE's patched qemu-img for that
 * @param habits what it does in another way than most
 */
public record Abilities(
        Set<Format.Image> formats,
        Set<Format.Image> snapshots,
        Set<Format.Image> bases,
        Set<Format.Image> clones,
        Set<Format.Image> renames,
        Set<Format.Image> resizes,
        boolean renamesSnapshots,
        boolean backupNotes,
        boolean tellsWhy,
        boolean convertsIntoStreams,
        Set<Habit> habits) {
    /** What plugins do in another way than most, by right. */
    public enum Habit {
        /** The storage names volumes itself: a name that is wanted is no more than advice. */
        NAMES_BY_ITSELF,
        /** What is no base image is cloned too. */
        CLONES_ANYTHING,
        /** Neither the name of a clone nor its listing tells the base. */
        HIDES_BASES,
        /** Snapshots are listed as volumes of their own. */
        LISTS_SNAPSHOTS
    }

    /** Of a plugin without such habits. */
    public Abilities(
            Set<Format.Image> formats,
            Set<Format.Image> snapshots,
            Set<Format.Image> bases,
            Set<Format.Image> clones,
            Set<Format.Image> renames,
            Set<Format.Image> resizes,
            boolean renamesSnapshots,
            boolean backupNotes,
            boolean tellsWhy,
            boolean convertsIntoStreams) {
        this(
                formats,
                snapshots,
                bases,
                clones,
                renames,
                resizes,
                renamesSnapshots,
                backupNotes,
                tellsWhy,
                convertsIntoStreams,
                Set.of());
    }

    /** Of a plugin that converts images into streams where it offers to. */
    public Abilities(
            Set<Format.Image> formats,
            Set<Format.Image> snapshots,
            Set<Format.Image> bases,
            Set<Format.Image> clones,
            Set<Format.Image> renames,
            Set<Format.Image> resizes,
            boolean renamesSnapshots,
            boolean backupNotes,
            boolean tellsWhy) {
        this(formats, snapshots, bases, clones, renames, resizes, renamesSnapshots, backupNotes, tellsWhy, true);
    }

    public Abilities {
        formats = Set.copyOf(formats);
        snapshots = Set.copyOf(snapshots);
        bases = Set.copyOf(bases);
        clones = Set.copyOf(clones);
        renames = Set.copyOf(renames);
        resizes = Set.copyOf(resizes);
        habits = Set.copyOf(habits);
    }

    /** The same with these habits. */
    public Abilities having(Habit... some) {
        return new Abilities(
                formats,
                snapshots,
                bases,
                clones,
                renames,
                resizes,
                renamesSnapshots,
                backupNotes,
                tellsWhy,
                convertsIntoStreams,
                Set.of(some));
    }

    /** Whether it does so. */
    public boolean has(Habit habit) {
        return habits.contains(habit);
    }
}
