package dev.tenon.core.backup.repository;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParityTest {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
    private static final int PARITY_AT = 28;

    @TempDir
    private Path directory;

    private static byte[] random(long seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void theFieldIsOne() {
        for (int a = 1; a < 256; a++) {
            assertThat(Parity.times(a, Parity.inverse(a))).isOne();
            for (int b = 0; b < 256; b++) {
                assertThat(Parity.times(a, b)).isEqualTo(slowTimes(a, b));
            }
        }
    }

    private static int slowTimes(int a, int b) {
        int product = 0;
        for (int bit = 7; bit >= 0; bit--) {
            product = product << 1 ^ ((product & 0x80) != 0 ? 0x11d : 0);
            product ^= (b >> bit & 1) != 0 ? a : 0;
        }
        return product;
    }

    private static int groups(byte[] parity) {
        ByteBuffer numbers = ByteBuffer.wrap(parity);
        long blocks = (numbers.getLong(8) + Parity.BLOCK - 1) / Parity.BLOCK;
        int columns = numbers.getInt(20);
        return (int) ((blocks + columns - 1) / columns);
    }

    private static int rows(byte[] parity) {
        return ByteBuffer.wrap(parity).getInt(24);
    }

    private static void flip(byte[] bytes, int block, int base, Random random) {
        int begin = base + block * Parity.BLOCK;
        int place = begin + random.nextInt(Math.min(Parity.BLOCK, bytes.length - begin));
        bytes[place] ^= (byte) (1 << random.nextInt(8));
    }

    /** Of every group as many blocks as it promises, of the pack and of the parity, by chance. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 10, 25, 50, 100})
    void whatItPromisesItRepairs(int percent) {
        byte[] pack = random(percent, 300 * Parity.BLOCK + 1234);
        byte[] parity = Parity.of(pack, percent);
        assertThat(Parity.fits(pack, parity)).isTrue();
        int groups = groups(parity);
        int blocks = (pack.length + Parity.BLOCK - 1) / Parity.BLOCK;
        for (int round = 0; round < 20; round++) {
            Random random = new Random(round);
            byte[] hurt = pack.clone();
            byte[] hurtParity = parity.clone();
            for (int group = 0; group < groups; group++) {
                int columns = (blocks - group + groups - 1) / groups;
                Set<Integer> chosen = new HashSet<>();
                while (chosen.size() < Math.min(rows(parity), columns + rows(parity))) {
                    chosen.add(random.nextInt(columns + rows(parity)));
                }
                for (int each : chosen) {
                    if (each < columns) {
                        flip(hurt, group + each * groups, 0, random);
                    } else {
                        flip(hurtParity, group * rows(parity) + each - columns, PARITY_AT, random);
                    }
                }
            }
            assertThat(Parity.repaired(hurt, hurtParity)).as("round %d", round).isEqualTo(pack);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4095, 4096, 4097, 100_000})
    void aPackOfAnySizeIsRepaired(int size) {
        byte[] pack = random(7, size);
        byte[] parity = Parity.of(pack, 10);
        byte[] hurt = pack.clone();
        hurt[size / 2] ^= 4;

        assertThat(Parity.repaired(hurt, parity)).isEqualTo(pack);
        assertThat(Parity.repaired(Arrays.copyOf(pack, size - 1), parity))
                .as("cut")
                .isEqualTo(pack);
        assertThat(Parity.repaired(Arrays.copyOf(pack, size + 9), parity))
                .as("longer")
                .isEqualTo(pack);
    }

    @Test
    void aStretchOfNearlyTenPercentIsRepaired() {
        byte[] pack = random(8, 1000 * Parity.BLOCK);
        byte[] parity = Parity.of(pack, 10);
        byte[] hurt = pack.clone();
        System.arraycopy(random(9, 98 * Parity.BLOCK), 0, hurt, 123_456, 98 * Parity.BLOCK);

        assertThat(Parity.repaired(hurt, parity)).isEqualTo(pack);
    }

    @Test
    void moreThanItPromisesIsNotGuessed() {
        byte[] pack = random(10, 300 * Parity.BLOCK);
        byte[] parity = Parity.of(pack, 10);
        int groups = groups(parity);
        byte[] hurt = pack.clone();
        for (int column = 0; column <= rows(parity); column++) {
            flip(hurt, 3 + column * groups, 0, new Random(column));
        }
        assertThat(Parity.repaired(hurt, parity)).isNull();

        byte[] other = parity.clone();
        other[parity.length - 20] ^= 1;
        assertThat(Parity.repaired(pack, other)).as("a checksum is damaged").isNull();
        assertThat(Parity.repaired(pack, new byte[0])).isNull();
        assertThat(Parity.repaired(pack, Arrays.copyOf(parity, parity.length - 1)))
                .isNull();
    }

    /** Parity that says nonsense, and whose checksums are right: of another pack. */
    @Test
    void theParityOfAnotherPackRepairsNothing() throws IOException {
        Repository.init(directory.resolve("repository"), new RepositoryOptions(Map.of(), 10));
        try (Repository repository = Repository.open(directory.resolve("repository"))) {
            backup(repository, 0, random(11, 3 << 20));
            Layout layout = new Layout(directory.resolve("repository"));
            String name = layout.packNames().getFirst();
            byte[] pack = Files.readAllBytes(layout.pack(name));
            byte[] hurt = pack.clone();
            hurt[5000] ^= 1;
            Files.write(layout.pack(name), hurt);
            byte[] other = pack.clone();
            other[5000] ^= 2;
            Files.write(layout.parity(name), Parity.of(other, 10));

            Repairer.Repaired repaired = repository.repair();

            assertThat(repaired.repaired()).isEmpty();
            assertThat(repaired.lost()).containsKey(name);
            assertThat(Files.readAllBytes(layout.pack(name))).isEqualTo(hurt);
        }
    }

    private static Snapshot backup(Repository repository, int seconds, byte[] content) throws IOException {
        try (SnapshotWriter writer =
                repository.write("default", GuestType.QEMU, new Vmid(100), TIME.plusSeconds(seconds))) {
            writer.disk(DISK, ByteSize.ofBytes(content.length)).write(0, ByteBuffer.wrap(content));
            return writer.publish(RawConfig.of(new byte[] {1}), null);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDamagedPackOfARepositoryIsRepaired(boolean isEncrypted) throws IOException {
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Path root = directory.resolve("repository");
        Repository.init(root, new RepositoryOptions(isEncrypted ? Map.of("k", key) : Map.of(), 10));
        byte[] content = random(12, 9 << 20);
        try (Repository repository = Repository.open(root, isEncrypted ? key : null)) {
            Snapshot snapshot = backup(repository, 0, content);
            assertThat(repository.repair()).isEqualTo(new Repairer.Repaired(List.of(), List.of(), new TreeMap<>()));
            Layout layout = new Layout(root);
            String name = layout.packNames().getFirst();
            byte[] pack = Files.readAllBytes(layout.pack(name));
            byte[] hurt = pack.clone();
            for (int at : new int[] {3, 5_000_000, pack.length - 3}) {
                hurt[at] ^= 1;
            }
            Files.write(layout.pack(name), hurt);
            assertThat(repository.verify().snapshots()).containsKey(snapshot.id());

            assertThat(repository.repair().repaired()).containsExactly(name);

            assertThat(Files.readAllBytes(layout.pack(name))).isEqualTo(pack);
            assertThat(repository.verify().isSound()).isTrue();
            Files.delete(layout.parity(name));
            assertThat(repository.repair().parities()).containsExactly(name);
            assertThat(Parity.fits(pack, Files.readAllBytes(layout.parity(name))))
                    .isTrue();

            repository.forget(snapshot.id());
            repository.collect();
            assertThat(layout.parity(name)).as("goes with its pack").doesNotExist();
        }
    }

    /** Bytes of a chunk's header that nobody needs who reads. */
    @ParameterizedTest
    @ValueSource(ints = {4, 7})
    void damageThatNobodyReadsIsRepairedAndTheParityStays(int place) throws IOException {
        Path root = directory.resolve("repository");
        Repository.init(root, new RepositoryOptions(Map.of(), 10));
        try (Repository repository = Repository.open(root)) {
            backup(repository, 0, random(20, 100_000));
            Layout layout = new Layout(root);
            String name = layout.packNames().getFirst();
            byte[] pack = Files.readAllBytes(layout.pack(name));
            byte[] parity = Files.readAllBytes(layout.parity(name));
            byte[] hurt = pack.clone();
            hurt[Pack.MAGIC.length + place] ^= 2;
            Files.write(layout.pack(name), hurt);

            assertThat(repository.repair()).isEqualTo(new Repairer.Repaired(List.of(name), List.of(), new TreeMap<>()));

            assertThat(Files.readAllBytes(layout.pack(name))).isEqualTo(pack);
            assertThat(Files.readAllBytes(layout.parity(name))).isEqualTo(parity);
        }
    }

    /** What cannot be read at all is a directory here. */
    @Test
    void aPackThatCannotBeReadEndsNeitherARepairNorAVerification() throws IOException {
        Path root = directory.resolve("repository");
        Repository.init(root, new RepositoryOptions(Map.of(), 10));
        try (Repository repository = Repository.open(root)) {
            Layout layout = new Layout(root);
            Snapshot first = backup(repository, 0, random(21, 100_000));
            String unreadable = layout.packNames().getFirst();
            Snapshot second = backup(repository, 1, random(22, 100_000));
            String other = layout.packNames().stream()
                    .filter(name -> !name.equals(unreadable))
                    .findFirst()
                    .orElseThrow();
            Files.delete(layout.pack(unreadable));
            Files.createDirectory(layout.pack(unreadable));
            byte[] pack = Files.readAllBytes(layout.pack(other));
            byte[] hurt = pack.clone();
            hurt[1000] ^= 1;
            Files.write(layout.pack(other), hurt);

            Repairer.Repaired repaired = repository.repair();
            assertThat(repaired.repaired()).containsExactly(other);
            assertThat(repaired.lost()).containsOnlyKeys(unreadable);
            assertThat(Files.readAllBytes(layout.pack(other))).isEqualTo(pack);
            Verifier.Verified verified = repository.verify();
            assertThat(verified.packs()).containsOnlyKeys(unreadable);
            assertThat(verified.snapshots()).containsOnlyKeys(first.id()).doesNotContainKey(second.id());
        }
    }

    @Test
    void verifyingTellsOfParityThatIsMissingOrDamaged() throws IOException {
        Path root = directory.resolve("repository");
        Repository.init(root, new RepositoryOptions(Map.of(), 10));
        try (Repository repository = Repository.open(root)) {
            backup(repository, 0, random(23, 100_000));
            Layout layout = new Layout(root);
            String name = layout.packNames().getFirst();
            byte[] parity = Files.readAllBytes(layout.parity(name));
            byte[] hurt = parity.clone();
            hurt[PARITY_AT + 5] ^= 1;
            Files.write(layout.parity(name), hurt);
            assertThat(repository.verify().parities()).containsOnlyKeys(name);
            assertThat(repository.verify().packs()).isEmpty();
            assertThat(repository.repair().parities()).containsExactly(name);
            assertThat(Files.readAllBytes(layout.parity(name))).isEqualTo(parity);
            assertThat(repository.verify().isSound()).isTrue();

            Files.delete(layout.parity(name));
            assertThat(repository.verify(1e-9).parities()).containsOnlyKeys(name);
        }
    }

    /** Somebody took the parity out of the head, and the files are still there. */
    @Test
    void aRepositoryWithoutParityIsRepairedByWhatIsThere() throws IOException {
        Path root = directory.resolve("repository");
        Repository.init(root);
        try (Repository repository = Repository.open(root)) {
            backup(repository, 0, random(24, 100_000));
            Layout layout = new Layout(root);
            String name = layout.packNames().getFirst();
            byte[] pack = Files.readAllBytes(layout.pack(name));
            byte[] parity = Parity.of(pack, 10);
            parity[PARITY_AT + 5] ^= 1;
            Files.write(layout.parity(name), parity);
            byte[] hurt = pack.clone();
            hurt[1000] ^= 1;
            Files.write(layout.pack(name), hurt);

            assertThat(repository.repair().repaired()).containsExactly(name);
            assertThat(Files.readAllBytes(layout.pack(name))).isEqualTo(pack);
        }
    }

    /** A pack of the same name that another backup sealed has other bytes. */
    @Test
    void aPackThatIsStoredAgainInAnEncryptedRepositoryHasParityOfItsOwn() throws IOException {
        Path root = directory.resolve("repository");
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Repository.init(root, new RepositoryOptions(Map.of("k", key), 10));
        byte[] content = random(25, 100_000);
        try (Repository repository = Repository.open(root, key)) {
            Layout layout = new Layout(root);
            backup(repository, 0, content);
            String name = layout.packNames().getFirst();
            byte[] pack = Files.readAllBytes(layout.pack(name));
            byte[] stale = Files.readAllBytes(layout.parity(name));
            byte[] hurt = pack.clone();
            hurt[hurt.length - 30] ^= 1;
            Files.write(layout.pack(name), hurt);
            assertThat(repository.verify().packs()).containsOnlyKeys(name);

            backup(repository, 1, content);

            byte[] again = Files.readAllBytes(layout.pack(name));
            assertThat(again).isNotEqualTo(pack);
            assertThat(Parity.fits(again, Files.readAllBytes(layout.parity(name))))
                    .isTrue();
            assertThat(repository.verify().isSound()).isTrue();
            Files.write(layout.parity(name), stale);
            assertThat(repository.verify().parities()).containsOnlyKeys(name);
            assertThat(repository.repair()).isEqualTo(new Repairer.Repaired(List.of(), List.of(name), new TreeMap<>()));
            assertThat(Files.readAllBytes(layout.pack(name))).isEqualTo(again);
            assertThat(repository.verify().isSound()).isTrue();
        }
    }

    /** Both put the pack in its place, with other bytes, and parity of it. */
    @Test
    void aRepairAndABackupOfOnePackAtOnceLeaveTheParityOfThePackThatIsThere() throws Exception {
        Path root = directory.resolve("repository");
        Unlocking.KeyFile key = Unlocking.KeyFile.generate();
        Repository.init(root, new RepositoryOptions(Map.of("k", key), 10));
        byte[] content = random(26, 300_000);
        try (Repository repository = Repository.open(root, key);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Layout layout = new Layout(root);
            backup(repository, 0, content);
            String name = layout.packNames().getFirst();
            for (int round = 1; round <= 40; round++) {
                int seconds = round;
                byte[] hurt = Files.readAllBytes(layout.pack(name));
                hurt[hurt.length - 30] ^= 1;
                Files.write(layout.pack(name), hurt);
                assertThat(repository.verify().packs()).containsOnlyKeys(name);

                CountDownLatch begun = new CountDownLatch(2);
                List<Future<?>> both = List.of(
                        threads.submit(() -> {
                            await(begun);
                            return repository.repair();
                        }),
                        threads.submit(() -> {
                            await(begun);
                            return backup(repository, seconds, content);
                        }));
                for (Future<?> each : both) {
                    each.get();
                }

                assertThat(repository.verify().parities()).as("round %d", round).isEmpty();
                assertThat(repository.verify().isSound()).as("round %d", round).isTrue();
            }
        }
    }

    private static void await(CountDownLatch all) throws InterruptedException {
        all.countDown();
        all.await();
    }
}
