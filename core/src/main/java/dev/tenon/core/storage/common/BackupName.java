package dev.tenon.core.storage.common;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the file name of a backup tells.
 *
 * @param type {@code qemu}, {@code lxc}, {@code openvz} or {@code unknown}
 * @param standard what only the name that vzdump itself chooses tells, null if it has another
 */
public record BackupName(String type, @Nullable Standard standard) {
    public static final String UNKNOWN_TYPE = "unknown";

    private static final String EXTENSION = "(?:tgz|(?:tar|vma)(?:\\.(?:gz|lzo|zst|bz2))?)";
    private static final Pattern OF_GUEST = Pattern.compile("vzdump-(lxc|openvz|qemu)-.*\\." + EXTENSION);
    private static final Pattern STANDARD =
            Pattern.compile("(vzdump-(?:lxc|openvz|qemu)-([1-9][0-9]{2,8})-(\\d{4})_(\\d{2})_(\\d{2})"
                    + "-(\\d{2})_(\\d{2})_(\\d{2}))\\." + EXTENSION);

    /**
     * What a standard name tells.
     *
     * @param guest the number of the guest
     * @param time when the backup was made, in the time of the node
     * @param stem the name without its extension, which the log of the backup has too
     */
    public record Standard(String guest, LocalDateTime time, String stem) {
        /** Seconds since 1970. */
        public long seconds() {
            return time.atZone(ZoneId.systemDefault()).toEpochSecond();
        }
    }

    public static BackupName of(String fileName) {
        Matcher guest = OF_GUEST.matcher(fileName);
        if (!guest.matches()) {
            return new BackupName(UNKNOWN_TYPE, null);
        }
        Matcher standard = STANDARD.matcher(fileName);
        if (!standard.matches()) {
            return new BackupName(guest.group(1), null);
        }
        return time(standard)
                .map(time -> new BackupName(guest.group(1), new Standard(standard.group(2), time, standard.group(1))))
                .orElseGet(() -> new BackupName(UNKNOWN_TYPE, null));
    }

    /** Empty for a day or a time that there never is. */
    private static Optional<LocalDateTime> time(Matcher standard) {
        try {
            return Optional.of(LocalDateTime.of(
                    Integer.parseInt(standard.group(3)),
                    Integer.parseInt(standard.group(4)),
                    Integer.parseInt(standard.group(5)),
                    Integer.parseInt(standard.group(6)),
                    Integer.parseInt(standard.group(7)),
                    Integer.parseInt(standard.group(8))));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
