package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * What this node has seen of the leases of other nodes since it was booted, from one collection to the next. A lease that says
 * the same for long is dead. Only this node's clock counts.
 */
final class Observations {
    private static final Duration LONG = Duration.ofMinutes(10);

    /** Another machine may have the same name, and a clock of its own. */
    private static final String BOOT = ProcessIdentity.own().boot();

    private record Seen(String state, long since) {}

    private final Path file;
    private final Map<String, Seen> before = new HashMap<>();
    private final Map<String, Seen> now = new HashMap<>();

    private Observations(Path file) {
        this.file = file;
    }

    static Observations read(Layout layout) throws IOException {
        Observations observations = new Observations(
                layout.root().resolve("observations." + ProcessIdentity.own().node()));
        try {
            for (String line : Files.readAllLines(observations.file)) {
                String[] words = line.split("\t", -1);
                if (words.length == 4 && words[1].equals(BOOT) && words[3].matches("[0-9]{1,18}")) {
                    observations.before.put(words[0], new Seen(words[2], Long.parseLong(words[3])));
                }
            }
        } catch (NoSuchFileException e) {
            // the first collection of this node
        }
        return observations;
    }

    /** Whether a lease has not changed for so long that its owner is dead. */
    boolean isStill(Path lease) throws IOException {
        String name = lease.getFileName().toString();
        String state = Lease.state(lease).orElse("").strip();
        Seen seen = before.get(name);
        long time = Instant.now().getEpochSecond();
        if (seen == null || !seen.state().equals(state) || seen.since() > time) {
            now.put(name, new Seen(state, time));
            return false;
        }
        now.put(name, seen);
        return time - seen.since() >= LONG.toSeconds();
    }

    void write() throws IOException {
        StringBuilder text = new StringBuilder();
        now.forEach((lease, seen) -> text.append(lease)
                .append('\t')
                .append(BOOT)
                .append('\t')
                .append(seen.state())
                .append('\t')
                .append(seen.since())
                .append('\n'));
        Layout.publish(file, text.toString().getBytes(StandardCharsets.UTF_8));
    }
}
