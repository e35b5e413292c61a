package dev.tenon.bench;

import dev.tenon.core.backup.nbd.BlockMap;
import dev.tenon.core.backup.nbd.Extent;
import dev.tenon.core.backup.nbd.FileDisk;
import dev.tenon.core.backup.nbd.NbdClient;
import dev.tenon.core.backup.nbd.NbdServer;
import dev.tenon.core.backup.nbd.ServedDisk;
import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupLimits;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.ContainerTree;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestConfigs;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.storage.tenonbackup.Archives;
import dev.tenon.core.storage.tenonbackup.StorageRepository;
import dev.tenon.core.storage.tenonbackup.TenonbackupPlugin;
import dev.tenon.host.Home;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The backup provider beside borg and restic, and beside a program in C that only reads, hashes, compresses and writes. Ours runs
 * as in a daemon that is up: the provider of a storage, which reads a file that this process serves, as the others read it; what
 * it costs over NBD, as from a VM that runs, is a row of its own. The time of all includes that everything is on the disk. The file
 * is long because each row has four peers.
 */
final class Backups {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final Vmid VM = new Vmid(100);
    private static final Vmid CONTAINER = new Vmid(101);
    private static final int CHUNK = 4 << 20;
    private static final double SECONDS = 1e9;
    private static final long TEBIBYTE = 1L << 40;
    private static final long GIBIBYTE = 1L << 30;
    private static final int FIRST_BYTES = 100 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String DIRTY = "dirty";
    private static final String NOT_RUN = "not run";

    /** How often what changes nothing is done; the best of each peer counts. */
    private static final int ROUNDS = 3;

    private static final double TARGET_FIRST_BORG = 2.5;
    private static final double TARGET_FIRST_RESTIC = 6;
    private static final double TARGET_FIRST_LIMIT = 0.85;
    private static final double TARGET_AGAIN_BORG = 3;
    private static final double TARGET_AGAIN_RESTIC = 10;
    private static final double TARGET_DIRTY = 1.5;
    private static final double ALLOWED_DIRTY = 0.15 * SECONDS;
    private static final double TARGET_RESTORE = 3;
    private static final double TARGET_RESTORE_ZSTD = 0.7;
    private static final double TARGET_FIRST_BYTES = 0.3 * SECONDS;
    private static final double TARGET_SPARSE = 1.3;
    private static final double TARGET_TREE = 2;
    private static final double TARGET_SPACE = 1.05;
    private static final long TARGET_MEMORY = 384L << 20;

    private final Scratch scratch;
    private final Report report;
    private final Path image;
    private final long size;
    private final int files;
    private final Path limit;
    private final Path borg;
    private final Path restic;
    private final boolean isSealed;
    private final Path repository;
    private final Storage storage;
    private Instant time = Instant.parse("2026-01-02T03:04:05Z");

    private Backups(Scratch scratch, Report report, int imageMib, int files, boolean isSealed) throws IOException {
        this.scratch = scratch;
        this.report = report;
        this.image = scratch.file("backup.raw");
        this.size = (long) imageMib << 20;
        this.files = files;
        this.limit = scratch.file("limit");
        String kind = isSealed ? "-sealed" : "";
        this.borg = scratch.file("borg" + kind);
        this.restic = scratch.file("restic" + kind);
        this.isSealed = isSealed;
        this.repository = Files.createDirectory(scratch.file("repository" + kind));
        this.storage = Storage.of("keep" + kind, "tenonbackup", Map.of("path", repository.toString()));
        Optional<String> key = isSealed ? Optional.of("autogen") : Optional.empty();
        new TenonbackupPlugin().onAdd(storage, new Secrets(Map.of("encryption-key", key)));
    }

    static void run(Scratch scratch, Report report, int imageMib, int files) throws IOException, InterruptedException {
        report.line("");
        report.line(
                "Backups of a disk of " + imageMib + " MiB, a third each random, text and zeroes, in the page cache");
        Backups backups = new Backups(scratch, report, imageMib, files, false);
        backups.prepare();
        backups.disk();
        backups.onDemand();
        backups.sparse();
        backups.tree();
        backups.memory();
        backups.remove();
        if (System.getenv("TENON_SECRET_DIR") == null) {
            report.line("  encrypted: " + NOT_RUN + "; TENON_SECRET_DIR names no directory for the key");
            return;
        }
        report.line("The same encrypted: AES-256-GCM, borg's repokey; restic always encrypts");
        Backups sealed = new Backups(scratch, report, imageMib, files, true);
        sealed.prepare();
        sealed.disk();
        sealed.onDemand();
        sealed.remove();
    }

    /** The next ones need the room. */
    private void remove() throws IOException {
        new TenonbackupPlugin().onDelete(storage);
        for (Path each : List.of(repository, borg, restic)) {
            if (Files.exists(each)) {
                Scratch.remove(each);
            }
        }
        Files.delete(image);
    }

    // ---- what is measured

    /** Something that is timed; it ends when everything is on the disk. */
    private interface Step {
        void run() throws IOException, InterruptedException;
    }

    private Peer.Cost time(Step step) throws IOException, InterruptedException {
        settle();
        double cpu = cpu();
        long begin = System.nanoTime();
        step.run();
        return new Peer.Cost(System.nanoTime() - begin, cpu() - cpu);
    }

    /** What this process has used, in nanoseconds. */
    private static double cpu() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElse(Duration.ZERO)
                .toNanos();
    }

    /** The time of a peer; empty if it is not installed. */
    private Optional<Peer.Cost> peer(@Nullable List<String> command) throws IOException, InterruptedException {
        if (command == null) {
            return Optional.empty();
        }
        settle();
        return Optional.of(program(command));
    }

    /** Nobody pays for what others have left to be written. */
    private void settle() throws IOException {
        Host.run("sync", "-f", image.toString());
    }

    private static Peer.Cost program(List<String> command) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of(
                "env",
                "RESTIC_PASSWORD=bench",
                "BORG_PASSPHRASE=bench",
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes",
                "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes",
                "sh",
                "-c",
                "exec \"$@\" >/dev/null",
                "sh"));
        all.addAll(command);
        return Peer.run(all);
    }

    /** Runs commands of a shell, and syncs the file system. */
    private List<String> shell(String commands) {
        Path home = scratch.file("home");
        return List.of(
                "sh",
                "-c",
                "set -e; export BORG_BASE_DIR='" + home + "' XDG_CACHE_HOME='" + home + "'; " + commands + "; sync -f '"
                        + home + "'");
    }

    private static boolean isThere(String program) {
        return Stream.of(String.valueOf(System.getenv("PATH")).split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    private @Nullable List<String> borg(String commands) {
        return isThere("borg") ? shell(commands.replace("REPO", borg.toString())) : null;
    }

    private @Nullable List<String> restic(String commands) {
        return isThere("restic") ? shell(commands.replace("restic ", "restic -q -r '" + restic + "' ")) : null;
    }

    // ---- ours

    private BackupProvider provider() {
        return new TenonbackupPlugin().newBackupProvider(storage, (TaskLog) (_, _) -> {});
    }

    private static GuestConfigs configs() {
        return new GuestConfigs(RawConfig.of("memory: 512\n".getBytes(StandardCharsets.US_ASCII)), Optional.empty());
    }

    private interface Work {
        void with(BackupProvider provider) throws IOException, InterruptedException;
    }

    private ArchiveName backup(Vmid guest, GuestType type, Work work) throws IOException, InterruptedException {
        time = time.plusSeconds(1);
        try (BackupProvider provider = provider()) {
            ArchiveName archive = provider.initBackup(guest, type, time);
            work.with(provider);
            provider.cleanupBackup(guest, type);
            return archive;
        }
    }

    /** A backup of a disk that is served over NBD. */
    private ArchiveName disk(Path file, Vmid guest, BitmapMode mode, Path socket)
            throws IOException, InterruptedException {
        ByteSize bytes = ByteSize.ofBytes(Files.size(file));
        Optional<String> bitmap = mode == BitmapMode.NONE ? Optional.empty() : Optional.of(DIRTY);
        return backup(guest, GuestType.QEMU, provider -> {
            provider.queryIncremental(guest, Map.of(DISK, bytes));
            provider.backupVm(
                    guest,
                    configs(),
                    Map.of(DISK, new BackupDisk(bytes, mode, new DiskAccess.Nbd(socket, "", bitmap))),
                    BackupLimits.NONE);
        });
    }

    // ---- rows

    private void row(String what, Peer.Cost ours, String others) {
        report.line(String.format(Locale.ROOT, "  %-34s %s; %s", what, shown(ours), others));
    }

    private static String shown(Peer.Cost cost) {
        return String.format(Locale.ROOT, "%.2f s (CPU %.2f s)", cost.nanos() / SECONDS, cost.cpuNanos() / SECONDS);
    }

    /** How many times faster than a peer. */
    private static String faster(String peer, Optional<Peer.Cost> cost, Peer.Cost ours, double target) {
        return cost.map(taken -> String.format(
                        Locale.ROOT,
                        "%s %s: %.2f times%s",
                        peer,
                        shown(taken),
                        taken.nanos() / ours.nanos(),
                        Double.isNaN(target)
                                ? ""
                                : verdict(taken.nanos() / ours.nanos() >= target) + " (" + target + ")"))
                .orElse(peer + " " + NOT_RUN);
    }

    private static String verdict(boolean isGood) {
        return isGood ? " good" : " OVER";
    }

    private void prepare() throws IOException, InterruptedException {
        fill(image, size, 1);
        Files.createDirectories(scratch.file("home"));
        try {
            Files.deleteIfExists(limit);
            Host.run(
                    "cc",
                    "-O2",
                    "-o",
                    limit.toString(),
                    Home.directory().resolve("bench/src/main/c/backup.c").toString(),
                    "-lzstd",
                    "-lcrypto",
                    "-lpthread");
        } catch (IOException e) {
            report.line("  the limit is not measured; it needs gcc, libzstd-dev and libssl-dev: " + e.getMessage());
        }
        List<String> initBorg = borg("borg init -e " + (isSealed ? "repokey" : "none") + " 'REPO'");
        if (initBorg != null) {
            program(initBorg);
        }
        List<String> initRestic = restic("restic init --repository-version 2");
        if (initRestic != null) {
            program(initRestic);
        }
    }

    private static void fill(Path file, long size, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[][] words = new byte[4096][];
        for (int i = 0; i < words.length; i++) {
            words[i] = new byte[2 + random.nextInt(9)];
            for (int j = 0; j < words[i].length; j++) {
                words[i][j] = (byte) ('a' + Math.min(random.nextInt(26), random.nextInt(26)));
            }
            words[i][words[i].length - 1] = ' ';
        }
        byte[] bytes = new byte[16 << 20];
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long at = 0;
            for (int piece = 0; at < size; piece++) {
                switch (piece % 3) {
                    case 0 -> random.nextBytes(bytes);
                    case 1 -> {
                        for (int i = 0; i < bytes.length; ) {
                            byte[] word = words[Math.min(random.nextInt(words.length), random.nextInt(words.length))];
                            int length = Math.min(word.length, bytes.length - i);
                            System.arraycopy(word, 0, bytes, i, length);
                            i += length;
                        }
                    }
                    default -> java.util.Arrays.fill(bytes, (byte) 0);
                }
                at += channel.write(ByteBuffer.wrap(bytes, 0, (int) Math.min(bytes.length, size - at)), at);
            }
            channel.force(true);
        }
    }

    /** Code that has run before, as in a daemon: another guest of other bytes. */
    private void warm() throws IOException, InterruptedException {
        Path other = scratch.file("warm.raw");
        fill(other, Math.min(size, GIBIBYTE / 2), 2);
        served(other, Map.of(), socket -> disk(other, new Vmid(99), BitmapMode.NONE, socket));
        Files.delete(other);
        program(List.of("sync", "-f", image.toString()));
    }

    private interface Served {
        ArchiveName by(Path socket) throws IOException, InterruptedException;
    }

    private ArchiveName served(Path file, Map<String, BlockMap> maps, Served served)
            throws IOException, InterruptedException {
        Path socket = scratch.file("backup.sock");
        try (FileDisk disk = FileDisk.open(file, false, maps);
                NbdServer _ = NbdServer.listen(socket, Map.of("", disk))) {
            return served.by(socket);
        }
    }

    /** The same over NBD: by another name of its socket nobody sees that this process serves it. */
    private ArchiveName servedFar(Path file, Served served) throws IOException, InterruptedException {
        Path far = scratch.file("far.sock");
        return served(file, Map.of(), socket -> {
            Files.createSymbolicLink(far, socket);
            try {
                return served.by(far);
            } finally {
                Files.delete(far);
            }
        });
    }

    /** Of these chunks, by their numbers; {@code -} for one that only reads and hashes. */
    private @Nullable List<String> limit(String chunks) {
        Path target = scratch.file("out");
        return Files.exists(limit)
                ? List.of(
                        "sh",
                        "-c",
                        "exec '" + limit + "' '" + image + "' "
                                + (chunks.equals("-") ? chunks : "'" + target + "' " + chunks))
                : null;
    }

    private static final String BORG = "borg create --files-cache=disabled --sparse --chunker-params fixed,4194304"
            + " --compression zstd,1 'REPO'::";

    private void disk() throws IOException, InterruptedException {
        warm();
        double before = used(repository.resolve("packs"));
        Peer.Cost first = time(() -> served(image, Map.of(), socket -> disk(image, VM, BitmapMode.NONE, socket)));
        Optional<Peer.Cost> least = peer(limit(""));
        row(
                "first full backup",
                first,
                faster("borg", peer(borg(BORG + "a '" + image + "'")), first, TARGET_FIRST_BORG)
                        + "; "
                        + faster(
                                "restic",
                                peer(restic("restic backup --force '" + image + "'")),
                                first,
                                TARGET_FIRST_RESTIC)
                        + "; " + faster("limit", least, first, TARGET_FIRST_LIMIT));
        space(before);
        Best again = new Best();
        Best far = new Best();
        Best byBorg = new Best();
        Best byRestic = new Best();
        Best byLimit = new Best();
        for (int round = 0; round < ROUNDS; round++) {
            again.add(Optional.of(time(
                    () -> served(image, Map.of(), socket -> disk(image, VM, BitmapMode.NONE, socket)))));
            far.add(Optional.of(time(() -> servedFar(image, socket -> disk(image, VM, BitmapMode.NONE, socket)))));
            byBorg.add(peer(borg(BORG + "b" + round + " '" + image + "'")));
            byRestic.add(peer(restic("restic backup --force '" + image + "'")));
            byLimit.add(peer(limit("-")));
        }
        Peer.Cost ours = again.cost().orElseThrow();
        row(
                "unchanged, without bitmap",
                ours,
                faster("borg", byBorg.cost(), ours, TARGET_AGAIN_BORG) + "; "
                        + faster("restic", byRestic.cost(), ours, TARGET_AGAIN_RESTIC) + "; "
                        + faster("limit", byLimit.cost(), ours, Double.NaN));
        Peer.Cost overNbd = far.cost().orElseThrow();
        row(
                "the same over NBD",
                overNbd,
                faster("borg", byBorg.cost(), overNbd, Double.NaN) + "; "
                        + faster("restic", byRestic.cost(), overNbd, Double.NaN));
        ArchiveName last = dirty();
        restore(last);
    }

    /** The shortest of some times: what else the machine does can only make them longer. */
    private static final class Best {
        private Peer.@Nullable Cost cost;

        void add(Optional<Peer.Cost> another) {
            Peer.Cost present = cost;
            if (another.isPresent() && (present == null || another.get().nanos() < present.nanos())) {
                cost = another.get();
            }
        }

        Optional<Peer.Cost> cost() {
            return Optional.ofNullable(cost);
        }
    }

    private void space(double before) throws IOException {
        double ours = used(repository.resolve("packs")) - before;
        if (Files.exists(borg)) {
            double theirs = used(borg);
            report.line(String.format(
                    Locale.ROOT,
                    "  %-34s %.0f MiB; borg %.0f MiB: %.3f%s (%.2f)",
                    "space",
                    ours / (1 << 20),
                    theirs / (1 << 20),
                    ours / theirs,
                    verdict(ours / theirs <= TARGET_SPACE),
                    TARGET_SPACE));
        }
    }

    private static double used(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .mapToDouble(file -> file.toFile().length())
                    .sum();
        }
    }

    private ArchiveName dirty() throws IOException, InterruptedException {
        SplittableRandom random = new SplittableRandom(3);
        long chunks = size / CHUNK;
        List<Long> changed = new ArrayList<>();
        byte[] bytes = new byte[CHUNK];
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            for (int i = 0; i < Math.max(1, chunks / 100); i++) {
                long chunk = random.nextLong(chunks);
                if (!changed.contains(chunk)) {
                    changed.add(chunk);
                    random.nextBytes(bytes);
                    channel.write(ByteBuffer.wrap(bytes), chunk * CHUNK);
                }
            }
            channel.force(true);
        }
        changed.sort(null);
        BlockMap map = (offset, length, most) -> {
            List<Extent> extents = new ArrayList<>();
            for (long at = offset; at < offset + length && extents.size() < most; ) {
                long end = Math.min(offset + length, (at / CHUNK + 1) * CHUNK);
                extents.add(new Extent(at, end - at, changed.contains(at / CHUNK) ? Extent.DIRTY : 0));
                at = end;
            }
            return extents;
        };
        StringBuilder numbers = new StringBuilder();
        changed.forEach(chunk -> numbers.append(chunk).append(' '));
        ArchiveName[] archive = new ArchiveName[1];
        Peer.Cost[] ours = new Peer.Cost[1];
        Optional<Peer.Cost> least = peer(limit(numbers.toString()));
        served(image, Map.of(Extent.DIRTY_BITMAP + DIRTY, map), socket -> {
            ours[0] = time(() -> archive[0] = disk(image, VM, BitmapMode.REUSE, socket));
            return archive[0];
        });
        double most =
                least.map(cost -> cost.nanos() * TARGET_DIRTY + ALLOWED_DIRTY).orElse(Double.NaN);
        row(
                "incremental, " + changed.size() + " chunks dirty",
                ours[0],
                least.map(cost -> String.format(
                                Locale.ROOT,
                                "limit %s; at most %.2f s%s",
                                shown(cost),
                                most / SECONDS,
                                verdict(ours[0].nanos() <= most)))
                        .orElse("limit " + NOT_RUN));
        return archive[0];
    }

    private VolumeName volume(ArchiveName archive) {
        return new VolumeName("backup/" + archive.value());
    }

    private interface Restoring {
        void into(BackupProvider provider, Path target) throws IOException, InterruptedException;
    }

    private Peer.Cost restore(ArchiveName archive, Path target, Restoring restoring)
            throws IOException, InterruptedException {
        VolumeName volume = volume(archive);
        Files.deleteIfExists(target);
        Peer.Cost cost = time(() -> {
            try (BackupProvider provider = provider()) {
                provider.initVmRestore(volume);
                restoring.into(provider, target);
                provider.cleanupVmRestore(volume);
            }
        });
        if (Files.mismatch(target, image) >= 0) {
            throw new IOException("what was restored is not what was backed up");
        }
        Files.delete(target);
        return cost;
    }

    private void restore(ArchiveName archive) throws IOException, InterruptedException {
        Path target = scratch.file("restored.raw");
        VolumeName volume = volume(archive);
        Best direct = new Best();
        Best byPath = new Best();
        Best byZstd = new Best();
        Best byBorg = new Best();
        Best byRestic = new Best();
        Path packed = scratch.file("image.zst");
        program(List.of("zstd", "-q", "-1", "-T2", image.toString(), "-o", packed.toString()));
        Path into = scratch.file("into");
        String last = "b" + (ROUNDS - 1);
        for (int round = 0; round < ROUNDS; round++) {
            direct.add(Optional.of(restore(archive, target, (provider, file) -> {
                Files.createFile(file);
                if (!provider.copyVolume(volume, DISK, file, BackupLimits.NONE, _ -> {})) {
                    throw new IOException("the provider does not copy disks");
                }
            })));
            byPath.add(Optional.of(restore(archive, target, (provider, file) -> {
                Path shown = provider.initVolumeRestore(volume, DISK);
                program(shell("qemu-img convert -f raw -O raw '" + shown + "' '" + file + "'"));
                provider.cleanupVolumeRestore(volume, DISK);
            })));
            byZstd.add(peer(shell("zstd -q -d --sparse '" + packed + "' -o '" + target + "'")));
            Files.delete(target);
            Files.createDirectory(into);
            byBorg.add(peer(borg("cd '" + into + "'; borg extract --sparse 'REPO'::" + last)));
            Scratch.remove(into);
            byRestic.add(peer(restic("restic restore latest --target '" + into + "'")));
            Scratch.remove(into);
        }
        Files.delete(packed);
        Peer.Cost ours = direct.cost().orElseThrow();
        Peer.Cost other = byPath.cost().orElseThrow();
        row(
                "restore to a raw file",
                ours,
                faster("borg", byBorg.cost(), ours, TARGET_RESTORE) + "; "
                        + faster("restic", byRestic.cost(), ours, TARGET_RESTORE) + "; "
                        + faster("zstd -d", byZstd.cost(), ours, TARGET_RESTORE_ZSTD));
        row(
                "the same by qemu-img from the path",
                other,
                "as PVE does it; without the CPU of qemu-img and the daemon of the path; "
                        + faster("borg", byBorg.cost(), other, TARGET_RESTORE) + "; "
                        + faster("restic", byRestic.cost(), other, TARGET_RESTORE) + "; "
                        + faster("zstd -d", byZstd.cost(), other, TARGET_RESTORE_ZSTD));
        restored = archive;
    }

    private @Nullable ArchiveName restored;

    private void onDemand() throws IOException, InterruptedException {
        ArchiveName archive = Objects.requireNonNull(restored);
        Path socket = scratch.file("restore.sock");
        ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20);
        long first = Math.min(size, FIRST_BYTES);
        try (Repository opened = StorageRepository.open(storage)) {
            Best best = new Best();
            for (int round = 0; round < ROUNDS; round++) {
                best.add(Optional.of(time(() -> {
                    try (RepositoryReader reader = opened.read();
                            NbdServer _ = NbdServer.listen(socket, Map.of("", served(reader, archive)));
                            NbdClient client = NbdClient.connect(socket, "", Extent.ALLOCATION, LIMIT)) {
                        for (long at = 0; at < first; at += bytes.capacity()) {
                            client.read(at, bytes.clear());
                        }
                    }
                })));
            }
            Peer.Cost ours = best.cost().orElseThrow();
            row(
                    "on demand: 100 MiB over NBD",
                    ours,
                    String.format(
                            Locale.ROOT,
                            "at most %.2f s%s",
                            TARGET_FIRST_BYTES / SECONDS,
                            verdict(ours.nanos() <= TARGET_FIRST_BYTES)));
        }
        VolumeName volume = volume(archive);
        try (BackupProvider provider = provider()) {
            Peer.Cost ours = time(() -> {
                provider.initVmRestore(volume);
                try (FileChannel channel =
                        FileChannel.open(provider.initVolumeRestore(volume, DISK), StandardOpenOption.READ)) {
                    for (long at = 0; at < first; at += bytes.capacity()) {
                        channel.read(bytes.clear(), at);
                    }
                }
            });
            provider.cleanupVolumeRestore(volume, DISK);
            provider.cleanupVmRestore(volume);
            row("the same through a path", ours, "with the start of the program that makes it");
        } catch (StorageException e) {
            report.line("  the same through a path: not run: " + e.getMessage());
        }
    }

    private static ServedDisk served(RepositoryReader reader, ArchiveName archive) throws IOException {
        Snapshot snapshot = reader.find(Archives.id(new VolumeName("backup/" + archive.value())))
                .orElseThrow();
        DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
        return new ServedDisk() {
            @Override
            public long size() {
                return disk.size().bytes();
            }

            @Override
            public void read(long offset, ByteBuffer into) throws IOException {
                disk.read(offset, into);
            }

            @Override
            public Map<String, BlockMap> contexts() {
                return Map.of(Extent.ALLOCATION, (offset, length, _) -> List.of(new Extent(offset, length, 0)));
            }
        };
    }

    private void sparse() throws IOException, InterruptedException {
        Path alone = scratch.file("alone.raw");
        long data = Math.min(size, GIBIBYTE);
        fill(alone, data, 3);
        Path large = scratch.file("large.raw");
        try (FileChannel from = FileChannel.open(alone, StandardOpenOption.READ);
                FileChannel to = FileChannel.open(large, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer piece = ByteBuffer.allocateDirect(16 << 20);
            for (long at = 0, place = 0; at < data; at += piece.capacity(), place += TEBIBYTE / (data >> 24)) {
                piece.clear();
                from.read(piece, at);
                to.write(piece.flip(), place / CHUNK * CHUNK);
            }
            to.write(ByteBuffer.wrap(new byte[] {1}), TEBIBYTE - 1);
        }
        // Other bytes, which are not in the repository.
        Files.delete(alone);
        fill(alone, data, 4);
        program(List.of("sync", "-f", alone.toString()));
        Peer.Cost one =
                time(() -> served(alone, Map.of(), socket -> disk(alone, new Vmid(102), BitmapMode.NONE, socket)));
        Peer.Cost other =
                time(() -> served(large, Map.of(), socket -> disk(large, new Vmid(103), BitmapMode.NONE, socket)));
        row(
                "1 TiB with " + (data >> 20) + " MiB of data",
                other,
                String.format(
                        Locale.ROOT,
                        "the data alone %s: %.2f times%s (%.1f); borg and restic read all of it",
                        shown(one),
                        other.nanos() / one.nanos(),
                        verdict(other.nanos() / one.nanos() <= TARGET_SPARSE),
                        TARGET_SPARSE));
        Files.delete(alone);
        Files.delete(large);
    }

    private void tree() throws IOException, InterruptedException {
        Path root = Files.createDirectory(scratch.file("tree"));
        SplittableRandom random = new SplittableRandom(5);
        int perDirectory = 100;
        for (int i = 0; i < files; i++) {
            Path directory = root.resolve("d" + i / perDirectory / 100).resolve("e" + i / perDirectory % 100);
            if (i % perDirectory == 0) {
                Files.createDirectories(directory);
            }
            write(directory.resolve("file-" + i), random);
        }
        ContainerTree container = new ContainerTree(root, List.of("."), 0, OptionalLong.empty());
        String borgTree = "borg create --compression zstd,1 'REPO'::";
        Peer.Cost first = time(() -> tree(container));
        row(
                files + " files, first backup",
                first,
                faster("borg", peer(borg(borgTree + "t1 '" + root + "'")), first, Double.NaN) + "; "
                        + faster("restic", peer(restic("restic backup '" + root + "'")), first, Double.NaN));
        // What was just made is read again by all; it is old enough after another backup.
        tree(container);
        Thread.sleep(4000);
        tree(container);
        peer(borg(borgTree + "t2 '" + root + "'"));
        for (int i = 0; i < files; i += 100) {
            write(
                    root.resolve("d" + i / perDirectory / 100)
                            .resolve("e" + i / perDirectory % 100)
                            .resolve("file-" + i),
                    random);
        }
        Peer.Cost second = time(() -> tree(container));
        row(
                "the same with 1 % changed",
                second,
                faster("borg", peer(borg(borgTree + "t3 '" + root + "'")), second, TARGET_TREE) + "; "
                        + faster("restic", peer(restic("restic backup '" + root + "'")), second, TARGET_TREE));
        Scratch.remove(root);
    }

    private static void write(Path file, SplittableRandom random) throws IOException {
        byte[] bytes = new byte[random.nextInt(8000)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) ('a' + random.nextInt(16));
        }
        Files.write(file, bytes);
    }

    private void tree(ContainerTree container) throws IOException, InterruptedException {
        backup(CONTAINER, GuestType.LXC, provider -> {
            provider.prepareContainer(CONTAINER, container, BackupLimits.NONE);
            provider.backupContainer(CONTAINER, configs(), List.of(), container, BackupLimits.NONE);
        });
    }

    private void memory() throws IOException {
        long peak = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElse(0);
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        report.line(String.format(
                Locale.ROOT,
                "  %-34s %8d MiB of this process, which also serves the disks%s (%d); now %d MiB of Java's heap and %d"
                        + " MiB of its buffers",
                "most memory",
                peak >> 20,
                verdict(peak <= TARGET_MEMORY),
                TARGET_MEMORY >> 20,
                Runtime.getRuntime().totalMemory() >> 20,
                direct >> 20));
    }
}
