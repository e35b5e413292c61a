package dev.tenon.core.spi;

import org.jspecify.annotations.Nullable;

/** What a volume name says: the answer of {@code parse_volname}. */
public sealed interface ParsedVolume {
    /** What kind of content it is; every image of a guest is {@code IMAGES}. */
    ContentType type();

    /** The name without its directory, for instance {@code vm-100-disk-0.qcow2}. */
    String name();

    /** The guest it belongs to; null if there is none or the name does not say. */
    @Nullable
    Vmid owner();

    /** The format the name promises. */
    Format format();

    /**
     * A guest's image.
     *
     * @param owner the guest it belongs to, null if the name does not say
     * @param base the image it is a linked clone of, null if it is not a linked clone
     * @param isBase whether it is itself a base image, from which clones are made
     */
    record GuestImage(
            String name, @Nullable Vmid owner, @Nullable Base base, boolean isBase, Format format)
            implements ParsedVolume {
        @Override
        public ContentType type() {
            return ContentType.IMAGES;
        }
    }

    /**
     * The base image that is part of a clone's name.
     *
     * @param owner the guest the base image belongs to, null if the name does not say
     */
    record Base(String name, @Nullable Vmid owner) {}

    /**
     * Anything that is not a guest image: an ISO, a template, a backup, a snippet.
     *
     * @param owner the guest it belongs to, null if none
     */
    record Content(ContentType type, String name, @Nullable Vmid owner, Format format) implements ParsedVolume {}
}
