package dev.tenon.core.backup.repository;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Packs that are to be removed. Writers that begin later do not rely on them; they are removed when all earlier writers have
 * ended.
 *
 * @param leases the leases of those who had begun
 * @param isComplete whether these are all; if not, the packs must stay
 */
record Condemned(Path file, Set<String> packs, Set<String> leases, boolean isComplete) {
    private static final String PACK = "pack ";
    private static final String LEASE = "lease ";
    /** Without this line it is not known who had begun before. */
    private static final String COMPLETE = "complete";

    private static final String EXTENSION = ".condemned";

    /** Condemns packs. */
    static Condemned publish(Layout layout, Set<String> packs) throws IOException {
        Path file = layout.condemned().resolve(UUID.randomUUID() + EXTENSION);
        // A lease taken after the first writing sees the packs; an earlier one is in the second.
        StringBuilder text = new StringBuilder();
        packs.forEach(pack -> text.append(PACK).append(pack).append('\n'));
        Layout.publish(file, SummedText.of(text.toString()));
        Set<String> leases = Repository.names(Layout.entries(layout.leases()));
        leases.forEach(lease -> text.append(LEASE).append(lease).append('\n'));
        text.append(COMPLETE).append('\n');
        Layout.publish(file, SummedText.of(text.toString()));
        return new Condemned(file, packs, leases, true);
    }

    static List<Condemned> all(Layout layout) throws IOException {
        List<Condemned> all = new ArrayList<>();
        for (Path file : Layout.entries(layout.condemned())) {
            if (!file.toString().endsWith(EXTENSION)) {
                continue;
            }
            Set<String> packs = new HashSet<>();
            Set<String> leases = new HashSet<>();
            boolean isComplete = false;
            try {
                String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
                boolean isSound = SummedText.read(text).isPresent();
                for (String line : text.lines().toList()) {
                    if (line.startsWith(PACK)) {
                        packs.add(line.substring(PACK.length()));
                    } else if (line.startsWith(LEASE)) {
                        leases.add(line.substring(LEASE.length()));
                    } else if (line.equals(COMPLETE)) {
                        // One lease less, and somebody would not be waited for.
                        isComplete = isSound;
                    }
                }
            } catch (NoSuchFileException e) {
                continue;
            }
            all.add(new Condemned(file, packs, leases, isComplete));
        }
        return all;
    }

    /** All packs that are condemned now. */
    static Set<String> packs(Layout layout) throws IOException {
        Set<String> packs = new HashSet<>();
        for (Condemned condemned : all(layout)) {
            packs.addAll(condemned.packs());
        }
        return packs;
    }
}
