package dev.tenon.bridge.backup;

import dev.tenon.bridge.codec.Callbacks;
import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.codec.Incoming;
import dev.tenon.bridge.codec.Outgoing;
import dev.tenon.bridge.codec.Part;
import dev.tenon.bridge.codec.TypeOf;
import dev.tenon.bridge.codec.Types;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.ArchiveName;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BackupMechanism;
import dev.tenon.core.spi.backup.BackupStatistics;
import dev.tenon.core.spi.backup.BitmapMode;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.ContainerArchive;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.core.spi.backup.DiskAccess;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import dev.tenon.proto.Type.Kind;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Int;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How the parameters and the answers of backup providers cross. */
final class BackupTypes {
    static final Codec<GuestType> GUEST_TYPE = word("guest type", GuestType::word, GuestType::ofWord);

    private static final Codec<DeviceName> DEVICE = Codec.TEXT.as(DeviceName::value, DeviceName::new);
    private static final Codec<RawConfig> CONFIG =
            Codec.of(config -> new Value.Bytes(config.bytes()), value -> RawConfig.of(bytes(value)));
    private static final Codec<BitmapUse> BITMAP_USE = word("use of a bitmap", BitmapUse::word, BitmapUse::ofWord);

    static final Codec<BitmapMode> BITMAP_MODE = word("mode of a bitmap", BitmapMode::word, BitmapMode::ofWord);

    private BackupTypes() {}

    static Types all() {
        return Callbacks.addedTo(Types.plain()
                .with(Vmid.class, Codec.INTEGER.as(Vmid::value, Vmid::new), Kind.VMID)
                .with(VolumeName.class, Codec.TEXT.as(VolumeName::value, VolumeName::new), Kind.VOLNAME)
                .with(Instant.class, Codec.INTEGER.as(Instant::getEpochSecond, Instant::ofEpochSecond), Kind.UINT)
                .with(GuestType.class, GUEST_TYPE, Kind.STR)
                .with(DeviceName.class, DEVICE, Kind.STR)
                .with(ArchiveName.class, Codec.TEXT.as(ArchiveName::value, ArchiveName::new), Kind.STR)
                .with(
                        BackupMechanism.class,
                        word("backup mechanism", BackupMechanism::word, BackupMechanism::ofWord),
                        Kind.STR)
                .with(
                        RestoreMechanism.class,
                        word("restore mechanism", RestoreMechanism::word, RestoreMechanism::ofWord),
                        Kind.STR)
                .with(Path.class, Codec.TEXT.as(Path::toString, Path::of), Kind.PATH)
                .with(RawConfig.class, CONFIG, Kind.BYTES)
                .with(
                        BackupStatistics.class,
                        Codec.INTEGER.as(
                                statistics -> statistics.archiveSize().bytes(),
                                bytes -> new BackupStatistics(ByteSize.ofBytes(bytes))),
                        Kind.UINT)
                .with(
                        new TypeOf<Map<DeviceName, ByteSize>>() {},
                        Codec.INTEGER.as(ByteSize::bytes, ByteSize::ofBytes).mapped(DeviceName::value, DeviceName::new),
                        Kind.COUNTS)
                .with(
                        new TypeOf<Map<DeviceName, BitmapUse>>() {},
                        BITMAP_USE.mapped(DeviceName::value, DeviceName::new),
                        Kind.TREE)
                .with(ContainerArchive.class, Codec.TREE.as(BackupTypes::tree, BackupTypes::archive), Kind.TREE)
                .with(new TypeOf<Map<DeviceName, BackupDisk>>() {}, claims -> new Disks(claims.take(Kind.DISKS))));
    }

    private static <T> Codec<T> word(String what, Function<T, String> word, Function<String, Optional<T>> ofWord) {
        return Codec.word(
                word,
                ofWord,
                text -> new StorageException(
                        StorageError.BAD_RESULT, Outcome.UNKNOWN, "unknown " + what + " '" + text + "'"));
    }

    private static byte[] bytes(Value value) {
        if (value instanceof Value.Bytes bytes) {
            return bytes.bytes();
        }
        throw new StorageException(
                StorageError.BAD_RESULT,
                Outcome.UNKNOWN,
                "the far side answered with " + value.kind() + ", where bytes belong");
    }

    private static Map<String, Object> tree(ContainerArchive archive) {
        return switch (archive) {
            case ContainerArchive.Tar(Path file) -> Map.of("tar", file.toString());
            case ContainerArchive.Directory(Path root) -> Map.of("directory", root.toString());
        };
    }

    private static ContainerArchive archive(Map<String, Object> tree) {
        if (tree.get("tar") instanceof String file) {
            return new ContainerArchive.Tar(Path.of(file));
        } else if (tree.get("directory") instanceof String root) {
            return new ContainerArchive.Directory(Path.of(root));
        }
        throw new StorageException(
                StorageError.BAD_RESULT,
                Outcome.UNKNOWN,
                "the provider named neither a tar file nor a directory of the container");
    }

    /** The disks of a VM, whose descriptors have been offered under these tokens. */
    static Fields disks(Map<DeviceName, BackupDisk> disks, Map<DeviceName, String> tokens, Outgoing call) {
        Map<String, Value> all = new LinkedHashMap<>();
        disks.forEach((device, disk) -> {
            Map<String, Value> entries = new LinkedHashMap<>();
            entries.put("size", new Int(disk.size().bytes()));
            entries.put("bitmap-mode", BITMAP_MODE.write(disk.bitmap()));
            switch (disk.access()) {
                case DiskAccess.Nbd nbd -> {
                    if (!nbd.export().equals(device.value())) {
                        throw StorageException.refused(
                                StorageError.BAD_PARAMETER,
                                "the disk '" + device + "' has the NBD export " + Quoted.of(nbd.export())
                                        + "; the provider looks for one of the disk's name");
                    }
                    entries.put("nbd-path", Value.ofText(nbd.socket().toString()));
                    nbd.bitmap().ifPresent(bitmap -> entries.put("bitmap-name", Value.ofText(bitmap)));
                }
                case DiskAccess.FileHandle(Path _, DirtyRegions regions) -> {
                    entries.put("file-handle", Value.ofText(Objects.requireNonNull(tokens.get(device))));
                    entries.put("next-dirty-region", new Int(call.hand(FarRegions.telling(regions))));
                }
            }
            all.put(device.value(), new Fields(entries));
        });
        return new Fields(all);
    }

    /** The disks of a VM as they come. Disks that go out have descriptors, which the caller offers. */
    private record Disks(String name) implements Part {
        @Override
        public void write(@Nullable Object plain, Map<String, Value> entries, Outgoing call) {}

        @Override
        public Object read(Fields fields, Incoming call) {
            Map<DeviceName, BackupDisk> disks = new LinkedHashMap<>();
            Codec.fields(fields.get(name))
                    .entries()
                    .forEach((device, disk) ->
                            disks.put(new DeviceName(device), disk(device, Codec.fields(disk), call)));
            return disks;
        }

        private static BackupDisk disk(String device, Fields disk, Incoming call) {
            return new BackupDisk(
                    ByteSize.ofBytes(Codec.INTEGER.read(disk.get("size"))),
                    BITMAP_MODE.read(disk.get("bitmap-mode")),
                    access(device, disk, call));
        }

        private static DiskAccess access(String device, Fields disk, Incoming call) {
            if (disk.get("nbd-path") instanceof Value.Text(String socket)) {
                if (!socket.startsWith("/")) {
                    throw StorageException.refused(
                            StorageError.BAD_PARAMETER,
                            "the NBD socket " + Quoted.of(socket) + " of disk '" + device + "' is no absolute path");
                }
                // As PVE has it: the socket is that of all disks, and each export has the name of its device.
                return new DiskAccess.Nbd(
                        Path.of(socket),
                        device,
                        disk.get("bitmap-name") instanceof Value.Text(String bitmap)
                                ? Optional.of(bitmap)
                                : Optional.empty());
            }
            Descriptor file = call.caller().descriptor(Codec.TEXT.read(disk.get("file-handle")));
            call.atEnd(file::close);
            return new DiskAccess.FileHandle(
                    Path.of("/proc/self/fd/" + file.number()),
                    new FarRegions(call.caller(), Codec.INTEGER.read(disk.get("next-dirty-region"))));
        }
    }
}
