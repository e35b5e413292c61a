package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Chooses names for new images. */
public final class DiskNames {
    private static final int MOST_IMAGES_OF_GUEST = 1024;

    private DiskNames() {}

    /**
     * The free name with the lowest number.
     *
     * @param names of the guest's images, which may begin with a directory
     * @param numbersAreShared whether a number that is taken in one format is taken in all
     */
    public static String free(
            Storage storage,
            Collection<String> names,
            Vmid owner,
            Format format,
            boolean addSuffix,
            boolean numbersAreShared) {
        String suffix = addSuffix ? "." + format.word() : "";
        Pattern taken = numbersAreShared
                ? Pattern.compile("(?:vm|base|subvol|basevol)-" + owner + "-disk-(\\d+)")
                : Pattern.compile("(?:vm|base)-" + owner + "-disk-(\\d+)" + Pattern.quote(suffix));
        Set<String> numbers = new HashSet<>();
        for (String name : names) {
            Matcher matcher = taken.matcher(name);
            while (matcher.find()) {
                numbers.add(matcher.group(1));
            }
        }
        String prefix = format == Format.Image.SUBVOL ? "subvol" : "vm";
        for (int number = 0; number < MOST_IMAGES_OF_GUEST; number++) {
            if (!numbers.contains(Integer.toString(number))) {
                return prefix + "-" + owner + "-disk-" + number + suffix;
            }
        }
        throw new StorageException(
                StorageError.NO_SPACE,
                Outcome.NOT_STARTED,
                "unable to allocate an image name for VM " + owner + " in storage '" + storage.id() + "'");
    }
}
