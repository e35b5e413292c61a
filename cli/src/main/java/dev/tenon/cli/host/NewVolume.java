package dev.tenon.cli.host;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a command refuses to make, even if a storage would accept it: a volume that PVE would not find again, because no
 * guest has its number or because it is called like another guest's.
 */
public final class NewVolume {
    private static final long FIRST_GUEST = 100;
    private static final Pattern GUEST_IN_NAME = Pattern.compile("(?:vm|base|subvol|basevol)-([0-9]+)-.*");
    private static final Pattern IN_DIRECTORY = Pattern.compile("(?:.*/)?([0-9]+)/([^/]+)");

    private NewVolume() {}

    /** What is wrong with a new image of this guest, in one sentence. */
    public static Optional<String> wrong(Vmid guest, @Nullable String name) {
        if (guest.value() < FIRST_GUEST) {
            return Optional.of("no guest can have the number " + guest + "; they are 100 to 999999999");
        }
        String fileName = name == null ? "" : name.substring(name.lastIndexOf('/') + 1);
        Matcher named = GUEST_IN_NAME.matcher(fileName);
        return named.matches() && !named.group(1).equals(guest.toString())
                ? Optional.of("the name " + Quoted.of(name == null ? "" : name) + " is one of guest " + named.group(1)
                        + ", and the volume would be one of guest " + guest)
                : Optional.empty();
    }

    /** The same of a name that has the guest in it; empty for other volumes. */
    public static Optional<String> wrong(VolumeName name) {
        Matcher image = IN_DIRECTORY.matcher(name.value());
        return image.matches() && image.group(1).length() <= 9
                ? wrong(new Vmid(Long.parseLong(image.group(1))), image.group(2))
                : Optional.empty();
    }
}
