package dev.tenon.core.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.ProcessIdentity;
import dev.tenon.core.spi.Mutation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A journal that the first build wrote, every operation once. Recovery after an update depends on it, so these files are
 * never made anew.
 */
class FirstEditionTest {
    private static final Path WRITTEN = Path.of("src/test/resources/dev/tenon/core/journal/first-edition");
    private static final String DISK = "100/vm-100-disk-0.qcow2";

    @TempDir
    Path directory;

    private List<JournalEntry> entries = List.of();

    /** The files name the node that wrote them; here it is this one. */
    @BeforeEach
    void readOnTheNodeThatWroteIt() throws IOException {
        try (Stream<Path> files = Files.list(WRITTEN)) {
            for (Path file : files.toList()) {
                String name = String.valueOf(file.getFileName())
                        .replace("node1", ProcessIdentity.own().node());
                Files.copy(file, directory.resolve(name));
            }
        }
        entries = new Journal(directory).interrupted();
    }

    private JournalEntry ofNumber(int number) {
        return entries.stream()
                .filter(entry -> entry.id().endsWith("-" + number))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void everyOperationIsKnownAndWasInterrupted() {
        assertThat(entries).hasSize(15);
        assertThat(entries.subList(0, 13))
                .extracting(JournalEntry::operation)
                .containsExactly(
                        "allocImage",
                        "freeImage",
                        "createBase",
                        "cloneImage",
                        "renameVolume",
                        "resizeVolume",
                        "snapshotVolume",
                        "rollback",
                        "deleteSnapshot",
                        "renameSnapshot",
                        "updateAttribute",
                        "importVolume",
                        "pruneBackups");
        assertThat(entries.subList(0, 13))
                .extracting(entry -> entry.asInterruption().orElseThrow().operation())
                .containsExactly(Mutation.values());
        assertThat(entries).extracting(JournalEntry::storage).containsOnly("store");
        assertThat(entries).extracting(JournalEntry::type).containsOnly("dir");
    }

    @Test
    void itsParametersWitnessesAndProblemsAreRead() {
        JournalEntry renaming = ofNumber(5);

        assertThat(renaming.parameters())
                .isEqualTo(Map.of("volume", DISK, "owner", "101", "name", "vm-101-renamed=1.qcow2"));
        assertThat(renaming.witness())
                .isEqualTo(Map.of("inode", "2049:131075", "size", "4096", "mtime=?", "2026-11-29"));
        assertThat(renaming.problem()).isEqualTo("the plugin's process ended while 'renameVolume' ran\nlast = \\words");
        JournalEntry killed = ofNumber(14);
        assertThat(killed.problem()).isNull();
        assertThat(Objects.requireNonNull(killed.asInterruption().orElseThrow().snapshot())
                        .value())
                .isEqualTo("before-upgrade");
        assertThat(Objects.requireNonNull(killed.asInterruption().orElseThrow().volume())
                        .value())
                .isEqualTo(DISK);
        assertThat(ofNumber(11).parameters()).containsEntry("attribute", "notes");
        assertThat(ofNumber(1).parameters()).containsEntry("size", "1073741824");
    }

    @Test
    void anOperationThatThisBuildDoesNotKnowIsToldOfAndExplainsNothing() throws IOException {
        JournalEntry entry = ofNumber(1);
        Path file = directory.resolve(entry.id() + ".entry");
        Files.writeString(file, Files.readString(file).replace("allocImage", "weaveImage"));

        JournalEntry unknown = new Journal(directory).interrupted().getFirst();
        assertThat(unknown.toString()).startsWith("weaveImage of storage 'store'");
        assertThat(unknown.asInterruption()).isEmpty();
    }

    @Test
    void todaysBuildWritesTheSameBytes() throws IOException {
        Map<String, String> written = new HashMap<>();
        Map<String, String> today = new HashMap<>();
        for (JournalEntry entry : entries) {
            written.put(entry.id(), Files.readString(directory.resolve(entry.id() + ".entry"), StandardCharsets.UTF_8));
            today.put(entry.id(), EntryText.of(entry));
        }

        assertThat(today).isEqualTo(written);
    }
}
