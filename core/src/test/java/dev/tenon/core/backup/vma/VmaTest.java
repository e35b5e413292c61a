package dev.tenon.core.backup.vma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives of PVE, written and read. The places of fields are those of the format's facts, not of the classes. */
class VmaTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final Vmid GUEST = new Vmid(100);
    private static final byte[] CONFIG =
            "memory: 512\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n".getBytes(StandardCharsets.US_ASCII);
    private static final Vma.Device FIRST = new Vma.Device(1, "drive-scsi0", ByteSize.ofBytes((9 << 20) + 512 * 3));
    private static final Vma.Device SECOND = new Vma.Device(7, "drive-efidisk0", ByteSize.ofBytes(528 << 10));

    @TempDir
    private Path directory;

    private Repository repository;
    private final Map<Vma.Device, byte[]> contents = new LinkedHashMap<>();

    @BeforeEach
    void make() throws IOException {
        Repository.init(directory.resolve("repository"));
        repository = Repository.open(directory.resolve("repository"));
        Random random = new Random(1);
        for (Vma.Device device : List.of(FIRST, SECOND)) {
            byte[] bytes = new byte[(int) device.size().bytes()];
            random.nextBytes(bytes);
            Arrays.fill(bytes, 100_000, 300_000, (byte) 0);
            contents.put(device, bytes);
        }
    }

    private record Piece(Vma.Device device, int cluster) {}

    /** Interleaved and out of order, as when the guest writes during its backup. */
    private byte[] archive(int leftOut) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        contents.forEach((device, bytes) -> {
            for (int i = 0; i < device.clusters(); i++) {
                pieces.add(new Piece(device, i));
            }
        });
        Collections.shuffle(pieces, new Random(2));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        VmaWriter writer = new VmaWriter(
                out,
                TIME,
                Map.of("qemu-server.conf", CONFIG, "qemu-server.fw", new byte[] {'f', '\n'}),
                List.of(FIRST, SECOND));
        for (Piece piece : pieces.subList(leftOut, pieces.size())) {
            byte[] bytes = contents.getOrDefault(piece.device, new byte[0]);
            int at = piece.cluster * Vma.CLUSTER;
            writer.write(
                    piece.device,
                    piece.cluster,
                    Arrays.copyOf(
                            Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + Vma.CLUSTER)), Vma.CLUSTER));
        }
        writer.finish();
        return out.toByteArray();
    }

    private Snapshot imported(byte[] archive) throws IOException {
        return VmaImport.run(repository, "default", GUEST, new ByteArrayInputStream(archive), 64 << 20);
    }

    private byte[] restored(Snapshot snapshot, Vma.Device device) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            DiskReader disk =
                    reader.disk(snapshot, new DeviceName(device.name())).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate((int) disk.size().bytes());
            disk.read(0, bytes);
            return bytes.array();
        }
    }

    @Test
    void anArchiveWhoseClustersComeInAnyOrderIsImportedToTheByte() throws IOException {
        Snapshot snapshot = imported(archive(0));

        assertThat(snapshot.id()).hasToString("default/qemu/100/2026-01-02T03:04:05Z");
        assertThat(Objects.requireNonNull(snapshot.config()).bytes()).isEqualTo(CONFIG);
        assertThat(snapshot.firewall()).isNotNull();
        assertThat(snapshot.disks()).hasSize(2);
        assertThat(restored(snapshot, FIRST)).isEqualTo(contents.get(FIRST));
        assertThat(restored(snapshot, SECOND)).isEqualTo(contents.get(SECOND));
        assertThat(repository.verify().isSound()).isTrue();
        assertThatThrownBy(() -> imported(archive(0)))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("there is a backup 'default/qemu/100/2026-01-02T03:04:05Z' already");
    }

    @Test
    void theHeaderIsWhatPveReads() throws IOException {
        ByteBuffer archive = ByteBuffer.wrap(archive(0));

        assertThat(archive.getInt(0)).isEqualTo(0x564d4100);
        assertThat(archive.getInt(4)).isOne();
        assertThat(archive.getLong(24)).isEqualTo(TIME.getEpochSecond());
        assertThat(archive.getInt(48)).isEqualTo(12288);
        assertThat(archive.getInt(56) % 512).isZero();
        assertThat(archive.get(12288)).as("the byte that no pointer means").isZero();
        int name = 12288 + archive.getInt(4096 + 32);
        assertThat(archive.get(name)).as("length of the name, little-endian").isEqualTo((byte) 12);
        assertThat(archive.get(name + 1)).isZero();
        byte[] text = new byte[12];
        archive.get(name + 2, text);
        assertThat(text).isEqualTo("drive-scsi0\0".getBytes(StandardCharsets.US_ASCII));
        assertThat(archive.getLong(4096 + 32 + 8)).isEqualTo(FIRST.size().bytes());
        assertThat(archive.getInt(archive.getInt(56))).as("the first extent").isEqualTo(0x564d4145);
    }

    @Test
    void aDamagedOrCutArchiveLeavesNothing() throws IOException {
        byte[] archive = archive(0);
        int header = ByteBuffer.wrap(archive).getInt(56);
        for (int place : new int[] {0, 5, 40, 5000, 12300, header + 3, header + 30, header + 41, header + 300}) {
            byte[] damaged = archive.clone();
            damaged[place] ^= 16;
            assertThatThrownBy(() -> imported(damaged))
                    .as("a flip at %s", place)
                    .isInstanceOf(BadArchiveException.class);
        }
        for (int length : new int[] {0, 100, header - 1, header, header + 511, archive.length - 1}) {
            assertThatThrownBy(() -> imported(Arrays.copyOf(archive, length)))
                    .as("cut to %s", length)
                    .isInstanceOf(BadArchiveException.class);
        }
        assertThatThrownBy(() -> imported(archive(3)))
                .as("clusters are missing, which PVE's own verifying does not find")
                .isInstanceOf(BadArchiveException.class)
                .hasMessageContaining("the archive lacks");
        assertThat(repository.list("default")).isEmpty();
        try (Stream<Path> packs = Files.walk(directory.resolve("repository/packs"))) {
            assertThat(packs.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @Test
    void tooMuchOutOfOrderIsRefusedWithTheWayOut() throws IOException {
        byte[] archive = archive(0);

        assertThatThrownBy(
                        () -> VmaImport.run(repository, "default", GUEST, new ByteArrayInputStream(archive), 1 << 20))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("more than 1 MiB of the archive came out of order");
        assertThat(repository.list("default")).isEmpty();
    }
}
