package dev.tenon.it.backup;

import dev.tenon.core.backup.repository.DiskReader;
import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryOptions;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.backup.repository.SnapshotWriter;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import dev.tenon.core.backup.repository.TreeWriter;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A small life of a repository, as a program whose system calls are recorded. What is done it says on its standard output. */
final class PowerCutWork {
    private static final DeviceName DISK = new DeviceName("drive-scsi0");
    private static final int SIZE = 9000;
    private static final String KEY = "main";
    private static final int PARITY = 10;

    /** In the footer: nobody counts on any chunk of such a pack, and one that has them all gets its name. */
    private static final int HURT_BEFORE_END = 30;

    /** A second backup of what the first one has. */
    private static final int SAME = 5;

    private PowerCutWork() {}

    /** Arguments: where the repository is made, and a key file if it is to be encrypted, and to have parity. */
    public static void main(String[] arguments) throws IOException {
        Path place = Path.of(arguments[0]);
        Unlocking key = arguments.length > 1 ? Unlocking.ofFile(Files.readString(Path.of(arguments[1]))) : null;
        Repository.init(place, key == null ? RepositoryOptions.NONE : new RepositoryOptions(Map.of(KEY, key), PARITY));
        System.out.println("made");
        try (Repository repository = Repository.open(place, key)) {
            if (key != null) {
                mend(repository, place, key);
                System.out.println("ended");
                return;
            }
            say(repository, 1);
            say(repository, 2);
            say(repository, 3);
            repository.setNotes(id(3), "a note");
            forget(repository, 1);
            repository.collect();
            say(repository, 4);
            forget(repository, 2);
            repository.setProtected(id(3), true);
            repository.collect();
            System.out.println("ended");
        }
    }

    /** Keys come and go; a pack is damaged and healed by the next backup, and another one by its parity. */
    private static void mend(Repository repository, Path place, Unlocking key) throws IOException {
        Unlocking other = Unlocking.KeyFile.generate();
        repository.keys().add("other", other, true);
        repository.keys().change("other", Unlocking.KeyFile.generate());
        repository.keys().change(KEY, key);
        repository.keys().remove("other");
        say(repository, 1);
        hurt(place);
        repository.verify();
        // The same bytes, so the same pack.
        backUp(repository, 1, id(SAME));
        System.out.println("published " + SAME);
        System.out.println("whole");
        say(repository, 3);
        hurt(place);
        if (repository.repair().repaired().isEmpty()) {
            throw new IOException("nothing was repaired");
        }
        System.out.println("whole");
    }

    /** Flips a bit in each pack, as a disk does. */
    private static void hurt(Path place) throws IOException {
        System.out.println("hurting");
        List<Path> packs;
        try (Stream<Path> all = Files.walk(place.resolve("packs"))) {
            packs = all.filter(file -> file.toString().endsWith(".pack")).toList();
        }
        for (Path pack : packs) {
            try (FileChannel channel = FileChannel.open(pack, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                ByteBuffer one = ByteBuffer.allocate(1);
                long at = channel.size() - HURT_BEFORE_END;
                channel.read(one, at);
                one.put(0, (byte) (one.get(0) ^ 1));
                channel.write(one.flip(), at);
                channel.force(true);
            }
        }
    }

    private static void say(Repository repository, int seed) throws IOException {
        backUp(repository, seed);
        System.out.println("published " + seed);
    }

    /** Even ones are containers. */
    static SnapshotId id(int seed) {
        boolean isTree = seed % 2 == 0;
        return new SnapshotId(
                "default",
                isTree ? GuestType.LXC : GuestType.QEMU,
                new Vmid(isTree ? 101 : 100),
                Instant.ofEpochSecond(seed));
    }

    private static void forget(Repository repository, int seed) throws IOException {
        System.out.println("forgetting " + seed);
        repository.forget(id(seed));
    }

    static void backUp(Repository repository, int seed) throws IOException {
        backUp(repository, seed, id(seed));
    }

    private static void backUp(Repository repository, int seed, SnapshotId id) throws IOException {
        try (SnapshotWriter writer = repository.write(id.namespace(), id.type(), id.guest(), id.time())) {
            if (id.type() == GuestType.QEMU) {
                writer.disk(DISK, ByteSize.ofBytes(SIZE)).write(0, ByteBuffer.wrap(content(seed)));
            } else {
                writer.tree()
                        .add(
                                new TreeEntry(
                                        "f",
                                        TreeEntry.Kind.FILE,
                                        0600,
                                        0,
                                        0,
                                        0,
                                        0,
                                        TreeEntry.Known.NOT,
                                        0,
                                        0,
                                        "",
                                        new TreeMap<>(),
                                        TreeEntry.Content.NONE),
                                new Bytes(content(seed)));
            }
            writer.publish(RawConfig.of(new byte[] {(byte) seed}), null);
        }
        repository.setBase(id, "keep");
    }

    private static byte[] content(int seed) {
        byte[] bytes = new byte[SIZE];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static final class Bytes implements TreeWriter.Source {
        private final byte[] bytes;

        Bytes(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public long nextData(long offset) {
            return offset < bytes.length ? offset : -1;
        }

        @Override
        public long nextHole(long offset) {
            return bytes.length;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long offset, byte[] to, int at, int length) {
            System.arraycopy(bytes, (int) offset, to, at, length);
            return length;
        }
    }

    /** Whether it comes back to the byte. */
    static boolean isGood(Repository repository, SnapshotId id) throws IOException {
        try (RepositoryReader reader = repository.read()) {
            Snapshot snapshot = reader.find(id).orElseThrow();
            ByteBuffer bytes = ByteBuffer.allocate(SIZE);
            if (id.type() == GuestType.QEMU) {
                DiskReader disk = reader.disk(snapshot, DISK).orElseThrow();
                disk.read(0, bytes);
            } else {
                TreeReader tree = reader.tree(snapshot).orElseThrow();
                FileContent file = tree.content(tree.find("f").orElseThrow());
                file.read(0, bytes);
            }
            int seed = (int) id.time().getEpochSecond();
            RawConfig config = Objects.requireNonNull(snapshot.config());
            boolean isSame = seed == SAME && config.equals(RawConfig.of(new byte[] {1}));
            return Arrays.equals(bytes.array(), content(isSame ? 1 : seed))
                    && (isSame || config.equals(RawConfig.of(new byte[] {(byte) seed})));
        }
    }
}
