package dev.tenon.core.spi;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Something in a storage that no finished operation would leave.
 *
 * @param place the file, or whatever the finding is about
 * @param what what it is, in one sentence
 * @param certainty how sure that is
 * @param remedy what can be done about it
 * @param interruption the id of the {@link Interruption} that explains it, null if none does
 */
public record Finding(
        Kind kind,
        String place,
        String what,
        Certainty certainty,
        Remedy remedy,
        @Nullable String interruption) {

    /** The kinds of findings, for programs. */
    public enum Kind {
        /** A hidden directory with what was being made or removed. */
        UNFINISHED("unfinished"),
        /** An image or snapshot that has another name too. */
        SECOND_NAME("second-name"),
        /** Snapshots whose image is missing. */
        IMAGE_MISSING("image-missing"),
        /** A snapshot on which nothing is based. */
        SNAPSHOT_LEFT("snapshot-left"),
        /** A snapshot that was being deleted and may hold newer data. */
        SNAPSHOT_SPOILT("snapshot-spoilt"),
        /** A base image that is not protected from being written. */
        BASE_WRITABLE("base-writable"),
        /** The directory of a guest that has no images. */
        DIRECTORY_EMPTY("directory-empty"),
        /** A file that is not an image of the format its name promises. */
        IMAGE_UNREADABLE("image-unreadable"),
        /** An image that is based on a file which is missing. */
        BACKING_MISSING("backing-missing"),
        /** An image with space that nothing uses. */
        SPACE_LEAKED("space-leaked"),
        /** An image whose tables contradict each other. */
        IMAGE_CORRUPT("image-corrupt"),
        /** Something that a program is still working on. */
        IN_USE("in-use"),
        /** A file that belonged to a backup which is gone. */
        SIDE_FILE_LEFT("side-file-left"),
        /** Notes whose letters were encoded twice when they were written. */
        NOTES_ENCODED_TWICE("notes-encoded-twice"),
        /** An operation whose progress is unknown. */
        INTERRUPTED("interrupted");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /** For people and programs, for instance {@code snapshot-left}; it stays as it is. */
        public String word() {
            return word;
        }
    }

    /** How certain it is that the finding is what it seems to be. */
    public enum Certainty {
        SURE,
        LIKELY;

        /** For people and programs. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What can be done about a finding. */
    public sealed interface Remedy {
        /** What is done, or is to be done, in one sentence. */
        String words();

        /**
         * It can be repaired without the risk of losing anything.
         *
         * @param work performs the repair; the caller holds the storage's lock. It may be interrupted and repeated,
         *     checks again before it changes anything, and throws {@link StorageException}
         */
        record Automatic(String words, Runnable work) implements Remedy {}

        /** A person must decide. */
        record ByHand(String words) implements Remedy {}
    }
}
