package dev.tenon.bridge.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.ProtocolException;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A storage called through names and values, and through names and values again, is the storage itself. */
class TypedCallsTest {
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final Storage STORAGE = Storage.of(
            "nas", "recorded", Map.of("type", "recorded", "path", "/srv/nas", "content", Map.of("images", "1")));
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.qcow2");
    private static final SnapshotName SNAPSHOT = new SnapshotName("before");

    private final Recorded recorded = new Recorded();
    private final StoragePlugin crossed = new CrossedPlugin(recorded, CrossedPlugin.NEWEST);

    @Test
    void metadataCrossesUnchanged() {
        assertThat(crossed.type()).isEqualTo(recorded.type());
        assertThat(crossed.pluginData()).isEqualTo(recorded.pluginData());
        assertThat(crossed.properties()).isEqualTo(recorded.properties());
        assertThat(crossed.options()).isEqualTo(recorded.options());
    }

    @Test
    void parsedNamesCrossUnchanged() {
        for (ParsedVolume parsed : List.of(
                new ParsedVolume.GuestImage("a.raw", null, null, false, Format.Image.RAW),
                new ParsedVolume.GuestImage(
                        "vm-100-disk-0.qcow2",
                        new Vmid(100),
                        new ParsedVolume.Base("base-9000-disk-0.qcow2", new Vmid(9000)),
                        true,
                        Format.Image.QCOW2),
                new ParsedVolume.Content(ContentType.ISO, "debian.iso", null, Format.Image.RAW),
                new ParsedVolume.Content(ContentType.BACKUP, "x.vma.zst", new Vmid(7), new Format.Other("vma.zst")))) {
            recorded.parsed = parsed;

            assertThat(crossed.parseVolname(VOLUME)).isEqualTo(parsed);
        }
    }

    @Test
    void pathsAndListingsCrossUnchanged() {
        VolumeInfo bare = new VolumeInfo(
                VolumeId.parse("nas:100/vm-100-disk-0.raw"), Format.Image.RAW, null, null, null, null, null, Map.of());
        VolumeInfo whole = new VolumeInfo(
                VolumeId.parse("nas:9000/base-9000-disk-0.qcow2/100/vm-100-disk-1.qcow2"),
                Format.Image.QCOW2,
                ByteSize.ofBytes(Long.MAX_VALUE),
                new Vmid(100),
                ByteSize.ofBytes(0),
                "../9000/base-9000-disk-0.qcow2",
                1_767_225_600L,
                Map.of("lun", "3"));
        VolumeInfo blank = new VolumeInfo(
                VolumeId.parse("nas:100/vm-100-disk-2.raw"),
                Format.Image.RAW,
                null,
                null,
                null,
                null,
                null,
                Map.of(),
                Set.of("size", "parent", "lun"));
        recorded.images = List.of(bare, whole, blank);

        assertThat(crossed.listImages(STORAGE, ImageFilter.all(), OperationCache.create()))
                .containsExactly(bare, whole, blank);
        assertThat(crossed.path(STORAGE, VOLUME, SNAPSHOT)).isEqualTo(recorded.path(STORAGE, VOLUME, SNAPSHOT));
        assertThat(crossed.filesystemPath(STORAGE, VOLUME, null))
                .isEqualTo(recorded.filesystemPath(STORAGE, VOLUME, null));
        assertThat(crossed.getSubdir(STORAGE, ContentType.ISO)).isEqualTo("/srv/nas/iso");
    }

    @Test
    void filtersHintsAndSizesCrossUnchanged() {
        ImageFilter.Named named = new ImageFilter.Named(List.of(VolumeId.parse("nas:a"), VolumeId.parse("other:b")));
        OperationCache cache = OperationCache.create();
        Hints hints = new Hints(Map.of("guest-is-windows", 1L));

        crossed.listImages(STORAGE, named, cache);
        crossed.listImages(STORAGE, new ImageFilter.OfGuest(new Vmid(100)), cache);
        crossed.activateVolume(STORAGE, VOLUME, SNAPSHOT, cache, hints);
        crossed.allocImage(STORAGE, new Vmid(100), Format.Image.RAW, "vm-100-x.raw", ByteSize.ofBytes(1025));
        crossed.freeImage(STORAGE, VOLUME, true, Format.Image.QCOW2);

        assertThat(recorded.calls)
                .containsExactly(
                        "list " + STORAGE + named + cache.id(),
                        "list " + STORAGE + new ImageFilter.OfGuest(new Vmid(100)) + cache.id(),
                        "activate " + STORAGE + VOLUME + SNAPSHOT + cache.id() + hints,
                        "alloc " + STORAGE + "100 RAW vm-100-x.raw 2048 B",
                        "free " + STORAGE + VOLUME + " true QCOW2");
    }

    @Test
    void sizesAndStatesCrossUnchanged() {
        for (SizeInfo info : List.of(
                new SizeInfo(null, Format.Image.RAW, null, null, null),
                new SizeInfo(ByteSize.ofBytes(1L << 40), Format.Image.QCOW2, ByteSize.ofBytes(5), "../base", 7L))) {
            recorded.size = info;
            assertThat(crossed.volumeSizeInfo(STORAGE, VOLUME, Duration.ofSeconds(5)))
                    .isEqualTo(info);
        }
        for (StorageStatus status : List.of(
                new StorageStatus.Inactive(),
                new StorageStatus.Inactive(ByteSize.ofBytes(0), ByteSize.ofBytes(0), ByteSize.ofBytes(0)),
                new StorageStatus.Inactive(ByteSize.ofBytes(5), null, null),
                new StorageStatus.Active(ByteSize.ofBytes(3), ByteSize.ofBytes(1), ByteSize.ofBytes(2)))) {
            recorded.status = status;
            assertThat(crossed.status(STORAGE, OperationCache.create())).isEqualTo(status);
        }
    }

    @Test
    void aCallThatTheTableDoesNotAllowNeverReachesTheStorage() {
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> StorageApi.callee(recorded).call("free_image", Value.fields(), Caller.NONE))
                .withMessageStartingWith("free_image: the parameter 'storeid'");

        assertThat(recorded.calls).isEmpty();
    }

    @Test
    void everyPositionalCallOfTheNewestLevelFindsItsNames() {
        for (Method method : TABLE.methods().values()) {
            List<@Nullable Object> undefs = new ArrayList<>();
            method.positionsAt(TABLE.newestLevel()).forEach(position -> undefs.add(null));

            assertThat(PositionalCalls.params(StorageApi.API, method, undefs, "x")
                            .entries()
                            .keySet())
                    .containsExactlyElementsOf(method.positionsAt(TABLE.newestLevel()).stream()
                            .map(position -> position.replace("%", ""))
                            .toList());
        }
    }

    /** Answers with what it is told to, and writes down what it is asked. */
    private static final class Recorded extends DirectoryPlugin {
        private final List<String> calls = new ArrayList<>();
        private ParsedVolume parsed = new ParsedVolume.GuestImage("a.raw", null, null, false, Format.Image.RAW);
        private List<VolumeInfo> images = List.of();
        private SizeInfo size = new SizeInfo(null, Format.Image.RAW, null, null, null);
        private StorageStatus status = new StorageStatus.Inactive();

        @Override
        public String type() {
            return "recorded";
        }

        @Override
        public PluginData pluginData() {
            return new PluginData(
                    Set.of("images", "iso"),
                    Set.of("images"),
                    Set.of("raw", "qcow2"),
                    "raw",
                    Set.of("password"),
                    Set.of("backup-provider"),
                    true,
                    Map.of("shared", "1"));
        }

        @Override
        public Map<String, PropertySchema> properties() {
            return Map.of("rec_server", new PropertySchema(Map.of("type", "string", "enum", List.of("a", "b"))));
        }

        @Override
        public Map<String, PropertyOption> options() {
            return Map.of("path", new PropertyOption(false, true), "nodes", new PropertyOption(true, false));
        }

        @Override
        public ParsedVolume parseVolname(VolumeName volume) {
            return parsed;
        }

        @Override
        public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
            return new VolumePath("rbd:pool/" + volume + "@" + snapshot, new Vmid(100), ContentType.IMAGES);
        }

        @Override
        public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
            return new VolumePath("/srv/nas/" + volume, null, null);
        }

        @Override
        public String getSubdir(Storage storage, ContentType type) {
            return storage.config().text("path").orElseThrow() + "/" + type.word();
        }

        @Override
        public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
            calls.add("list " + storage + filter + cache.id());
            return images;
        }

        @Override
        public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
            return size;
        }

        @Override
        public StorageStatus status(Storage storage, OperationCache cache) {
            return status;
        }

        @Override
        public void activateVolume(
                Storage storage,
                VolumeName volume,
                @Nullable SnapshotName snapshot,
                OperationCache cache,
                Hints hints) {
            calls.add("activate " + storage + volume + snapshot + cache.id() + hints);
        }

        @Override
        public VolumeName allocImage(
                Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize bytes) {
            calls.add("alloc " + storage + owner + " " + format + " " + name + " " + bytes);
            return VOLUME;
        }

        @Override
        public Optional<Cleanup> freeImage(
                Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
            calls.add("free " + storage + volume + " " + isBase + " " + format);
            return Optional.empty();
        }
    }
}
