package dev.tenon.core.backup.repository;

import dev.tenon.core.linux.DirectorySync;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Which chunks verifying has found damaged, by pack. Whoever writes does not count on them, so the next backup that has their
 * bytes stores them again.
 */
final class DamagedChunks {
    static final String EXTENSION = ".damaged";

    /** Instead of ids: the footer is damaged, and nothing of the pack counts. */
    static final String ALL = "all";

    static final DamagedChunks NONE = new DamagedChunks(Map.of());

    private final Map<String, Set<String>> byPack;

    private DamagedChunks(Map<String, Set<String>> byPack) {
        this.byPack = byPack;
    }

    static DamagedChunks read(Layout layout) throws IOException {
        Map<String, Set<String>> byPack = new HashMap<>();
        for (Path file : Layout.entries(layout.damaged())) {
            String name = file.getFileName().toString();
            if (name.endsWith(EXTENSION)) {
                try {
                    byPack.put(
                            name.substring(0, name.length() - EXTENSION.length()),
                            new HashSet<>(Files.readAllLines(file, StandardCharsets.ISO_8859_1)));
                } catch (NoSuchFileException e) {
                    // The pack was made anew.
                }
            }
        }
        return byPack.isEmpty() ? NONE : new DamagedChunks(byPack);
    }

    /** The packs in which something is. */
    Set<String> packs() {
        return byPack.keySet();
    }

    boolean has(String pack, ChunkId id) {
        Set<String> ids = byPack.isEmpty() ? null : byPack.get(pack);
        return ids != null && (ids.contains(ALL) || ids.contains(id.toString()));
    }

    /** Notes what is damaged in a pack, instead of what was noted before; forgets the pack if nothing is. */
    static void note(Layout layout, String pack, Collection<String> ids) throws IOException {
        Path file = layout.damaged().resolve(pack + EXTENSION);
        if (!ids.isEmpty()) {
            Layout.makeDirectory(layout.damaged());
            Layout.publish(file, (String.join("\n", ids) + "\n").getBytes(StandardCharsets.UTF_8));
        } else if (Files.deleteIfExists(file)) {
            DirectorySync.of(layout.damaged());
        }
    }
}
