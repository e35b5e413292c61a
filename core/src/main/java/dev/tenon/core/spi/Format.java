package dev.tenon.core.spi;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** How a volume's bytes are laid out: one of the image formats, or the format of another kind of content. */
public sealed interface Format {
    /** PVE's word, for instance {@code qcow2} or {@code vma.zst}. */
    String word();

    static Format ofWord(String word) {
        return Image.ofWord(word).<Format>map(image -> image).orElseGet(() -> new Other(word));
    }

    /** Formats of guest images. */
    enum Image implements Format {
        RAW,
        QCOW2,
        VMDK,
        /** A directory that holds the file system of a container. */
        SUBVOL;

        @Override
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Optional<Image> ofWord(String word) {
            return Arrays.stream(values())
                    .filter(format -> format.word().equals(word))
                    .findFirst();
        }
    }

    /** Any other: {@code iso}, {@code tgz}, {@code vma.zst}, {@code snippet}, or a format of the plugin's own. */
    record Other(String word) implements Format {
        public Other {
            if (word.isEmpty() || word.chars().anyMatch(c -> Character.isWhitespace(c) || Character.isISOControl(c))) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "format " + Quoted.of(word) + " is empty or contains white space");
            }
        }
    }
}
