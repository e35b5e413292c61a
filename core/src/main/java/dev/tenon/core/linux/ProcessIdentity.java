package dev.tenon.core.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A process, told apart from later ones with the same number. It can be written into what the process leaves behind, on
 * storages of several nodes too.
 *
 * @param node the name of the node, without its domain
 * @param boot the first digits of the id of the boot
 * @param pid the number of the process
 * @param start when it started, in the kernel's ticks since the boot
 */
public record ProcessIdentity(String node, String boot, long pid, long start) {
    private static final Path NODE = Path.of("/proc/sys/kernel/hostname");
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int BOOT_DIGITS = 8;
    private static final Pattern TEXT =
            Pattern.compile("([A-Za-z0-9-]+)_([0-9a-f]{8})_([1-9][0-9]{0,9})_([0-9]{1,18})");

    /** In /proc/PID/stat, behind the name of the program, which may contain anything. */
    private static final int STATE_FIELD = 0;

    private static final int START_FIELD = 19;

    /** Not made when the class is loaded: a failure there, for instance for lack of descriptors, would be final. */
    private static volatile @Nullable ProcessIdentity known;

    /**
     * This process.
     *
     * @throws UncheckedIOException if the kernel does not tell now
     */
    public static ProcessIdentity own() {
        ProcessIdentity own = known;
        if (own == null) {
            own = read();
            known = own;
        }
        return own;
    }

    private static ProcessIdentity read() {
        try {
            String node = text(NODE).replaceFirst("\\..*", "").replaceAll("[^A-Za-z0-9-]", "-");
            long pid = ProcessHandle.current().pid();
            long start = Long.parseLong(stat(pid)[START_FIELD]);
            return new ProcessIdentity(node.isEmpty() ? "-" : node, readBoot(), pid, start);
        } catch (IOException e) {
            throw new UncheckedIOException("this process cannot be identified: " + e.getMessage(), e);
        }
    }

    /** Reads the text of {@link #toString}. */
    public static Optional<ProcessIdentity> parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        return Optional.of(new ProcessIdentity(
                matcher.group(1),
                matcher.group(2),
                Long.parseLong(matcher.group(3)),
                Long.parseLong(matcher.group(4))));
    }

    /** Whether it was a process of this node; of any other nothing is known. */
    public boolean isOfThisNode() {
        return node.equals(own().node());
    }

    /** Whether the process is known to have ended. */
    public boolean hasEnded() {
        if (!isOfThisNode()) {
            return false;
        }
        if (!boot.equals(own().boot())) {
            return true;
        }
        try {
            String[] stat = stat(pid);
            return stat[STATE_FIELD].equals("Z")
                    || stat[STATE_FIELD].equals("X")
                    || Long.parseLong(stat[START_FIELD]) != start;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            // A process that ends while its file is read makes the read fail.
            return !Files.exists(Path.of("/proc", Long.toString(pid)));
        }
    }

    private static String readBoot() throws IOException {
        return text(BOOT).substring(0, BOOT_DIGITS);
    }

    private static String[] stat(long pid) throws IOException {
        String stat = text(Path.of("/proc", Long.toString(pid), "stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    }

    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).strip();
    }

    @Override
    public String toString() {
        return node + "_" + boot + "_" + pid + "_" + start;
    }
}
