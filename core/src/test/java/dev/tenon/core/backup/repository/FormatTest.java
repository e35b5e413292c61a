package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bytes of {@code docs/REPOSITORY.md} are those that are written. */
class FormatTest {
    private static final Path DOCUMENT = Path.of("../docs/REPOSITORY.md");

    @TempDir
    private Path directory;

    private static String example(String title) throws IOException {
        Matcher block =
                Pattern.compile(Pattern.quote(title) + "\n\n((?:    .*\n)+)").matcher(Files.readString(DOCUMENT));
        assertThat(block.find()).as("the example after '%s'", title).isTrue();
        return block.group(1).replaceAll("(?m)^ {4}", "");
    }

    @Test
    void aPackIsAsInTheDocument() throws IOException {
        Repository.init(directory.resolve("repository"));
        try (Repository repository = Repository.open(directory.resolve("repository"));
                SnapshotWriter writer = repository.write(
                        "default", GuestType.QEMU, new Vmid(100), Instant.parse("2026-01-02T03:04:05Z"))) {
            writer.disk(new DeviceName("drive-scsi0"), ByteSize.ofBytes(6))
                    .write(0, ByteBuffer.wrap("Tenon\n".getBytes(StandardCharsets.US_ASCII)));
            writer.publish(RawConfig.of("memory: 512\n".getBytes(StandardCharsets.US_ASCII)), null);
        }
        Layout layout = new Layout(directory.resolve("repository"));
        String name = layout.packNames().getFirst();
        Path record = layout.snapshots().resolve("default/qemu/100/2026-01-02T03:04:05Z.snapshot");

        String hex = HexFormat.of().formatHex(Files.readAllBytes(layout.pack(name)));
        assertThat(hex.replaceAll("(.{64})", "$1\n").stripTrailing() + "\n")
                .isEqualTo(example("A pack with one chunk of a disk and one leaf:"));
        assertThat(name + "\n").isEqualTo(example("Its name:"));
        Path index = IndexFile.all(layout).getFirst();
        assertThat(HexFormat.of()
                                .formatHex(Files.readAllBytes(index))
                                .replaceAll("(.{64})", "$1\n")
                                .stripTrailing() + "\n")
                .isEqualTo(example("The index of this pack:"));
        assertThat(index.getFileName() + "\n").isEqualTo(example("Its file:"));
        assertThat(Files.readString(record)).isEqualTo(example("The record of its snapshot:"));
    }

    @Test
    void theEntriesOfATreeAreAsInTheDocument() throws IOException {
        byte[] content = "Tenon\n".getBytes(StandardCharsets.US_ASCII);
        ChunkId chunk = ChunkId.of(content, content.length);
        TreeEntry root =
                entry("", TreeEntry.Kind.DIRECTORY, 0755, TreeEntry.Known.NOT, new TreeEntry.Content(false, List.of()));
        TreeEntry file = entry(
                "a",
                TreeEntry.Kind.FILE,
                0640,
                new TreeEntry.Known(12, 1_767_323_045, 500),
                new TreeEntry.Content(false, List.of(new TreeEntry.Piece(content.length, chunk))));

        String hex = HexFormat.of().formatHex(root.write()) + HexFormat.of().formatHex(file.write());

        assertThat(hex.replaceAll("(.{64})", "$1\n").stripTrailing() + "\n")
                .isEqualTo(example("The entries of a tree of a root and a file `a` with `Tenon` and a newline:"));
    }

    private static TreeEntry entry(
            String path, TreeEntry.Kind kind, int mode, TreeEntry.Known known, TreeEntry.Content content) {
        return new TreeEntry(
                path,
                kind,
                mode,
                0,
                33,
                1_767_323_045,
                0,
                known,
                0,
                0,
                "",
                new TreeMap<>(Map.of("user.a", new byte[] {1})),
                content);
    }
}
