package dev.tenon.core.backup.host;

import dev.tenon.core.linux.ProcessIdentity;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a backup calls what it adds to a QEMU that runs. The names tell which process of this node made them, so that what
 * a killed one left can be told from what another backup needs. QEMU's names have at most 31 characters.
 *
 * @param owner the process, by its number and its start
 * @param disk the number of the disk in its backup
 */
record LiveNames(String owner, int disk) {
    /** What the names of fleecing images end with. */
    static final String IMAGE = ".raw";

    private static final int RADIX = 36;
    private static final Pattern NAME = Pattern.compile("tenon-([0-9a-z]+-[0-9a-z]+)-([a-z]+)([0-9]+)");

    /** What tells the two bitmaps of a disk apart while a backup runs: this one records what is written meanwhile. */
    private static final String MEANWHILE = "tenon-meanwhile:";

    static LiveNames own(int disk) {
        ProcessIdentity process = ProcessIdentity.own();
        return new LiveNames(Long.toString(process.pid(), RADIX) + "-" + Long.toString(process.start(), RADIX), disk);
    }

    /** The owner and disk of a name, empty if it is not a backup's. */
    static Optional<LiveNames> of(String name) {
        Matcher matcher = NAME.matcher(name);
        return matcher.matches()
                ? Optional.of(new LiveNames(matcher.group(1), Integer.parseInt(matcher.group(3))))
                : Optional.empty();
    }

    /** Which thing of a disk a name is of, as for instance {@link #filter} has it; empty if it is not a backup's. */
    static Optional<String> part(String name) {
        Matcher matcher = NAME.matcher(name);
        return matcher.matches() ? Optional.of(matcher.group(2)) : Optional.empty();
    }

    /** Whether the process has ended; that of another node is taken for one that has. */
    boolean isDead() {
        String[] parts = owner.split("-", 2);
        ProcessIdentity own = ProcessIdentity.own();
        return new ProcessIdentity(
                        own.node(), own.boot(), Long.parseLong(parts[0], RADIX), Long.parseLong(parts[1], RADIX))
                .hasEnded();
    }

    private String name(String part) {
        return "tenon-" + owner + "-" + part + disk;
    }

    String fleecing() {
        return name("fl");
    }

    String filter() {
        return name("cbw");
    }

    String snapshot() {
        return name("sa");
    }

    String export() {
        return name("ex");
    }

    /** What shows that all of a disk is dirty. */
    String whole() {
        return name("wb");
    }

    String job() {
        return name("job");
    }

    static String meanwhile(String bitmap) {
        return MEANWHILE + bitmap;
    }

    /** The bitmap that such a bitmap belongs to, empty for any other. */
    static Optional<String> beside(String bitmap) {
        return bitmap.startsWith(MEANWHILE) ? Optional.of(bitmap.substring(MEANWHILE.length())) : Optional.empty();
    }
}
