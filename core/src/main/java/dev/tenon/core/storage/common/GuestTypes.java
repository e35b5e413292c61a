package dev.tenon.core.storage.common;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Vmid;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which guests are containers, by the list of guests that PVE's cluster file system shows as {@code /etc/pve/.vmlist}. It is
 * read once for a listing.
 */
public final class GuestTypes {
    /** The list of this machine; there is none if it is no PVE host. */
    public static final Path OF_HOST = Path.of("/etc/pve/.vmlist");

    private static final Logger LOG = LoggerFactory.getLogger(GuestTypes.class);
    private static final Pattern GUEST = Pattern.compile("\"(\\d{1,9})\"\\s*:\\s*\\{([^{}]*)\\}");
    private static final Pattern CONTAINER = Pattern.compile("\"type\"\\s*:\\s*\"lxc\"");

    private final @Nullable Set<Long> containers;

    private GuestTypes(@Nullable Set<Long> containers) {
        this.containers = containers;
    }

    /** Those of this list; a list that cannot be read is logged and counts as missing. */
    public static GuestTypes read(Path list) {
        try {
            return Files.exists(list) ? parse(Files.readString(list, StandardCharsets.UTF_8)) : new GuestTypes(null);
        } catch (IOException e) {
            LOG.warn("the list of guests '{}' cannot be read: {}", list, e.toString());
            return new GuestTypes(null);
        }
    }

    private static GuestTypes parse(String text) {
        Set<Long> containers = new HashSet<>();
        Matcher guest = GUEST.matcher(text);
        while (guest.find()) {
            if (CONTAINER.matcher(guest.group(2)).find()) {
                containers.add(Long.parseLong(guest.group(1)));
            }
        }
        return new GuestTypes(containers);
    }

    /**
     * What an image is: {@code ROOTDIR} if its guest is a container, {@code IMAGES} for all others, also for a guest that
     * does not exist. Where nobody knows the guests, only a subvolume is known to be a container's.
     *
     * @param owner null if the image belongs to no guest
     */
    public ContentType contentOf(@Nullable Vmid owner, Format format) {
        boolean isContainer = containers == null
                ? format == Format.Image.SUBVOL
                : Optional.ofNullable(owner)
                        .filter(guest -> containers.contains(guest.value()))
                        .isPresent();
        return isContainer ? ContentType.ROOTDIR : ContentType.IMAGES;
    }
}
