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

    private static byte[] bytes(int first, int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (first + i);
        }
        return bytes;
    }

    private static String hex(ByteBuffer bytes) {
        byte[] all = new byte[bytes.remaining()];
        bytes.get(all);
        return HexFormat.of().formatHex(all).replaceAll("(.{64})", "$1\n").stripTrailing() + "\n";
    }

    @Test
    void whatIsSealedIsAsInTheDocument() throws IOException {
        RepositoryKey key = RepositoryKey.full(bytes(0, 32), bytes(32, 32));
        byte[] content = "Tenon\n".getBytes(StandardCharsets.US_ASCII);
        ChunkId id = key.id(ByteBuffer.wrap(content));
        KeySlot slot = KeySlot.make(key, new Unlocking.Passphrase("correct horse"), true, bytes(96, 32), 1000);

        assertThat(key.fingerprint() + "\n").isEqualTo(example("Its fingerprint:"));
        assertThat(id + "\n").isEqualTo(example("The id of the chunk `Tenon` and a newline:"));
        try (Packer.Pool packers = new Packer.Pool(DiskTable.CHUNK, key)) {
            Packer packer = packers.take();
            assertThat(hex(packer.pack(id, ChunkKind.DATA, content, 0, content.length, key.seal(bytes(64, 32)))))
                    .isEqualTo(example("The chunk, sealed with the private half `40` to `5f`:"));
            packers.give(packer);
        }
        assertThat(new String(slot.write(), StandardCharsets.US_ASCII) + "\n")
                .isEqualTo(example(
                        "A slot of the passphrase `correct horse`, with the salt `60` to `7f` and 1,000 iterations:"));
        assertThat(slot.open(new Unlocking.Passphrase("correct horse"))).isNotNull();
        assertThat(new Unlocking.KeyFile(bytes(0, 32)).text() + "\n").isEqualTo(example("A key file:"));
        assertThat(new Unlocking.Paper(key.secret(true)).text()).isEqualTo(example("On paper:"));
    }

    @Test
    void parityIsAsInTheDocument() throws IOException {
        byte[] pack = new byte[10_000];
        for (int i = 0; i < pack.length; i++) {
            pack[i] = (byte) (i * 7 % 251);
        }
        byte[] parity = Parity.of(pack, 10);

        assertThat(ChunkId.of(parity, parity.length) + "\n")
                .isEqualTo(
                        example("The parity, of 10 %, of 10,000 bytes that are i * 7 mod 251 each has this SHA-256:"));
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
