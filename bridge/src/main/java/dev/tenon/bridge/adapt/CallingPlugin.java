package dev.tenon.bridge.adapt;

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
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A storage plugin that turns every typed call into a call by name and named parameters. */
public abstract class CallingPlugin implements StoragePlugin {

    /**
     * Makes the call.
     *
     * @return the answer, of the shape that the method table says
     * @throws dev.tenon.core.spi.StorageException if it fails
     */
    protected abstract Value call(String method, Fields params);

    private Value call(String method, Params params) {
        return call(method, params.toFields());
    }

    private static Params about(Storage storage) {
        return Params.writing().storage(storage);
    }

    @Override
    public String type() {
        return Results.text(call("type", Params.writing()));
    }

    @Override
    public PluginData pluginData() {
        return Results.pluginData(call("plugindata", Params.writing()));
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return Results.properties(call("properties", Params.writing()));
    }

    @Override
    public Map<String, PropertyOption> options() {
        return Results.options(call("options", Params.writing()));
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return Results.parsedVolume(call("parse_volname", Params.writing().volume(volume)));
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return Results.volumePath(call("path", about(storage).volume(volume).snapshot(snapshot)));
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return Results.volumePath(call(
                "filesystem_path",
                Params.writing().config(storage).volume(volume).snapshot(snapshot)));
    }

    @Override
    public String getSubdir(Storage storage, ContentType type) {
        return Results.text(call("get_subdir", Params.writing().config(storage).contentType("vtype", type)));
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return Results.images(call("list_images", about(storage).filter(filter).cache(cache)));
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return Results.sizeInfo(
                call("volume_size_info", about(storage).volume(volume).seconds("timeout", timeout)));
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return Results.status(call("status", about(storage).cache(cache)));
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        call("activate_storage", about(storage).cache(cache));
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        call("deactivate_storage", about(storage).cache(cache));
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        call(
                "activate_volume",
                about(storage).volume(volume).snapshot(snapshot).cache(cache).hints(hints));
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        call(
                "deactivate_volume",
                about(storage).volume(volume).snapshot(snapshot).cache(cache));
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return Results.text(call(
                "find_free_diskname",
                about(storage).vmid(owner).format("fmt", format).flag("add_fmt_suffix", addSuffix)));
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        if (name != null) {
            var _ = new VolumeName(name); // plugins take it for a file's name as it is
        }
        return new VolumeName(Results.text(call(
                "alloc_image",
                about(storage)
                        .vmid(owner)
                        .format("fmt", format)
                        .text("name", name)
                        .kib("size", size))));
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        call("free_image", about(storage).volume(volume).flag("isBase", isBase).format("format", format));
        return Optional.empty();
    }
}
