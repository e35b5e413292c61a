package dev.tenon.bridge.perl;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.storage.CallingPlugin;
import dev.tenon.bridge.storage.Dialect;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.storage.directory.InheritedBase;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a plugin inherits is answered in Java: a call crosses for what the plugin has itself, and for nothing else. */
class InheritedCallsTest {
    private static final VolumeName VOLUME = new VolumeName("100/vm-100-disk-0.raw");
    private static final Set<String> IDENTITY = Set.of("api", "type", "plugindata", "properties", "options");

    /** The calls of a status daemon, a guest's start and stop, a listing and a new disk. */
    private static final Map<String, BiConsumer<StoragePlugin, Storage>> CALLS = calls();

    private static Map<String, BiConsumer<StoragePlugin, Storage>> calls() {
        Map<String, BiConsumer<StoragePlugin, Storage>> calls = new LinkedHashMap<>();
        calls.put("parse_volname", (plugin, storage) -> plugin.parseVolname(VOLUME));
        calls.put("path", (plugin, storage) -> plugin.path(storage, VOLUME, null));
        calls.put("filesystem_path", (plugin, storage) -> plugin.filesystemPath(storage, VOLUME, null));
        calls.put(
                "list_images",
                (plugin, storage) -> plugin.listImages(storage, ImageFilter.all(), OperationCache.create()));
        calls.put("list_volumes", (plugin, storage) -> plugin.listVolumes(storage, null, Set.of(ContentType.IMAGES)));
        calls.put("volume_size_info", (plugin, storage) -> plugin.volumeSizeInfo(storage, VOLUME, null));
        calls.put("status", (plugin, storage) -> plugin.status(storage, OperationCache.create()));
        calls.put("activate_storage", (plugin, storage) -> plugin.activateStorage(storage, OperationCache.create()));
        calls.put(
                "activate_volume",
                (plugin, storage) -> plugin.activateVolume(storage, VOLUME, null, OperationCache.create(), Hints.NONE));
        calls.put(
                "deactivate_volume",
                (plugin, storage) -> plugin.deactivateVolume(storage, VOLUME, null, OperationCache.create()));
        calls.put(
                "volume_has_feature",
                (plugin, storage) -> plugin.hasFeature(storage, Feature.SNAPSHOT, VOLUME, null, false, null));
        calls.put(
                "alloc_image",
                (plugin, storage) ->
                        plugin.allocImage(storage, new Vmid(101), Format.Image.RAW, null, ByteSize.ofKib(64)));
        return calls;
    }

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void makeAnImage() throws IOException {
        Path images = Files.createDirectories(directory.resolve("images/100"));
        try (RandomAccessFile image =
                new RandomAccessFile(images.resolve("vm-100-disk-0.raw").toFile(), "rw")) {
            image.setLength(1 << 16);
        }
    }

    /** As a process that hosts a plugin does: what the plugin has not itself, it asks of its base class in Java again. */
    private static final class Perl extends CallingPlugin {
        private final Set<String> own;
        private final StoragePlugin base;
        private final StoragePlugin plugin = new DirPlugin();
        private int requests;

        Perl(Set<String> own, Function<CallingPlugin, StoragePlugin> base) {
            this.own = own;
            this.base = base.apply(this);
        }

        @Override
        protected Dialect dialect() {
            return new Dialect(StorageApi.API.level(), own);
        }

        @Override
        protected Value call(String method, Fields params) {
            requests++;
            if (own.contains(method) || IDENTITY.contains(method)) {
                return StorageApi.callee(plugin).call(method, params, Caller.NONE);
            }
            requests++;
            return StorageApi.callee(base).call(method, params, Caller.NONE);
        }

        @Override
        protected void claim(String token) {
            throw new AssertionError(token);
        }

        @Override
        protected <T> T offering(int descriptor, Function<String, T> call) {
            throw new AssertionError(descriptor);
        }
    }

    private Map<String, Integer> requests(Set<String> own, boolean isLayered) {
        Storage storage =
                Storage.of("nas", "dir", Map.of("path", directory.toString(), "content", Map.of("images", "1")));
        Map<String, Integer> requests = new LinkedHashMap<>();
        CALLS.forEach((name, call) -> {
            Perl perl = new Perl(own, near -> isLayered ? new LayeredPlugin(near).base() : new InheritedBase(near));
            call.accept(isLayered ? new LayeredPlugin(perl) : perl, storage);
            requests.put(name, perl.requests);
        });
        return requests;
    }

    /** What is left to ask of one that has nothing is what it is: its type, and the formats that it declares. */
    @Test
    void aPluginThatHasNothingOfItsOwnIsAskedForItsIdentityAtMost() {
        assertThat(compared(Set.of()))
                .containsExactly(
                        entry("parse_volname", requests(2, 0)),
                        entry("path", requests(8, 0)),
                        entry("filesystem_path", requests(6, 0)),
                        entry("list_images", requests(5, 1)),
                        entry("list_volumes", requests(7, 1)),
                        entry("volume_size_info", requests(14, 0)),
                        entry("status", requests(2, 0)),
                        entry("activate_storage", requests(18, 0)),
                        entry("activate_volume", requests(12, 0)),
                        entry("deactivate_volume", requests(2, 0)),
                        entry("volume_has_feature", requests(4, 0)),
                        entry("alloc_image", requests(22, 2)));
    }

    /** Where it counts two, each of the two methods is reached once. */
    @Test
    void whatAPluginHasOfItsOwnIsCalledEachTimeItIsReachedAndNothingElseIs() {
        assertThat(compared(Set.of("parse_volname", "filesystem_path")))
                .containsExactly(
                        entry("parse_volname", requests(1, 1)),
                        entry("path", requests(3, 1)),
                        entry("filesystem_path", requests(1, 1)),
                        entry("list_images", requests(5, 1)),
                        entry("list_volumes", requests(7, 1)),
                        entry("volume_size_info", requests(8, 2)),
                        entry("status", requests(2, 0)),
                        entry("activate_storage", requests(18, 0)),
                        entry("activate_volume", requests(6, 2)),
                        entry("deactivate_volume", requests(2, 0)),
                        entry("volume_has_feature", requests(3, 1)),
                        entry("alloc_image", requests(22, 2)));
    }

    private static Requests requests(int before, int after) {
        return new Requests(before, after);
    }

    /** How many requests a call made when every inherited method went through Perl, and makes now. */
    private record Requests(int before, int after) {}

    private Map<String, Requests> compared(Set<String> own) {
        Map<String, Integer> before = requests(own, false);
        Map<String, Integer> after = requests(own, true);
        Map<String, Requests> compared = new LinkedHashMap<>();
        before.forEach((name, count) -> compared.put(name, new Requests(count, after.getOrDefault(name, -1))));
        return compared;
    }
}
