package dev.tenon.core.spi;

import java.util.regex.Pattern;

/**
 * One form of the names of a storage type. A host without the plugin, such as a Perl program without the daemon, uses it to
 * tell what a name means, so Java and Perl must read the pattern the same way.
 *
 * @param pattern matches whole names; a group {@code guest} is the number of the guest, if there is one, and a group {@code
 *     name} is the part that names the content, if that is not the whole name
 * @param type what volumes of this form hold
 * @param isBase whether they are base images
 * @param format the format of these volumes
 */
public record NamePattern(Pattern pattern, ContentType type, boolean isBase, Format format) {
    /** A pattern of raw images. */
    public NamePattern(Pattern pattern, ContentType type, boolean isBase) {
        this(pattern, type, isBase, Format.Image.RAW);
    }
}
