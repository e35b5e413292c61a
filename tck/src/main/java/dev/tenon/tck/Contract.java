package dev.tenon.tck;

import dev.tenon.core.spi.Format;
import java.util.Set;

/** A part of the contract: tests of one subject. */
interface Contract {
    /** The plugin, the same for all tests of an instance. */
    Subject subject();

    /** What the tests do with its images. */
    default Images images() {
        return new Images(subject());
    }

    default Failing failing() {
        return new Failing(subject().abilities());
    }

    /**
     * Reports the test as skipped, if the plugin lacks what it needs.
     *
     * @param isAble whether it can
     * @param lack what it does not do, after "the plugin", for instance {@code takes no snapshots}
     */
    default void requires(boolean isAble, String lack) {
        if (!isAble) {
            throw new LackingException("the plugin " + lack);
        }
    }

    /** Reports the test as skipped, if the plugin makes no images of this format. */
    default void requires(Format.Image format) {
        requires(subject().abilities().formats().contains(format), "makes no images of format '" + format.word() + "'");
    }

    /** Reports the test as skipped, if the plugin does not take a wanted name. */
    default void requiresWantedNames() {
        requires(!subject().abilities().has(Abilities.Habit.NAMES_BY_ITSELF), "names volumes by itself");
    }

    /** The formats of which it takes snapshots; reports the test as skipped, if there are none. */
    default Set<Format.Image> snapshotFormats() {
        Set<Format.Image> formats = subject().abilities().snapshots();
        requires(!formats.isEmpty(), "takes no snapshots");
        return formats;
    }
}
