package dev.tenon.core.decorator;

import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.BlockdevQuery;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Feature;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Pruned;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Rollback;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.SnapshotMethod;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.VolumePath;
import dev.tenon.core.spi.backup.BackupProvider;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A storage plugin whose every call becomes a {@link Call}, to be made by whoever extends it: on another plugin, with
 * something around it, or far away. Methods that {@link StoragePlugin} answers itself are calls like the others. The file
 * is as long as the interface has methods.
 */
public abstract class DelegatingPlugin implements StoragePlugin {
    /**
     * Makes a call.
     *
     * @return what the method answers, null for one that answers nothing
     */
    protected abstract <T extends @Nullable Object> T make(Call<T> call);

    private <T> T ask(String operation, Function<StoragePlugin, T> method, @Nullable Object... arguments) {
        return make(new Call<>(operation, Call.Effect.READS, Arrays.asList(arguments), method));
    }

    private <T> T make(String operation, Function<StoragePlugin, T> method, @Nullable Object... arguments) {
        return make(new Call<>(operation, Call.Effect.CHANGES, Arrays.asList(arguments), method));
    }

    private void run(String operation, Consumer<StoragePlugin> method, @Nullable Object... arguments) {
        Function<StoragePlugin, @Nullable Void> answering = plugin -> {
            method.accept(plugin);
            return null;
        };
        make(new Call<@Nullable Void>(operation, Call.Effect.CHANGES, Arrays.asList(arguments), answering));
    }

    @Override
    public String type() {
        return ask("type", plugin -> plugin.type());
    }

    @Override
    public PluginData pluginData() {
        return ask("pluginData", plugin -> plugin.pluginData());
    }

    @Override
    public Map<String, PropertySchema> properties() {
        return ask("properties", plugin -> plugin.properties());
    }

    @Override
    public Map<String, PropertyOption> options() {
        return ask("options", plugin -> plugin.options());
    }

    @Override
    public ParsedVolume parseVolname(VolumeName volume) {
        return ask("parseVolname", plugin -> plugin.parseVolname(volume), volume);
    }

    @Override
    public List<NamePattern> namePatterns() {
        return ask("namePatterns", plugin -> plugin.namePatterns());
    }

    @Override
    public Map<Format, String> formatExtensions() {
        return ask("formatExtensions", plugin -> plugin.formatExtensions());
    }

    @Override
    public boolean isValidFormat(Format format) {
        return ask("isValidFormat", plugin -> plugin.isValidFormat(format), format);
    }

    @Override
    public Optional<String> formatExtension(Format format) {
        return ask("formatExtension", plugin -> plugin.formatExtension(format), format);
    }

    @Override
    public Optional<Format> parsedFormat(String name) {
        return ask("parsedFormat", plugin -> plugin.parsedFormat(name), name);
    }

    @Override
    public String nameWithFormat(String name, Format format) {
        return ask("nameWithFormat", plugin -> plugin.nameWithFormat(name, format), name, format);
    }

    @Override
    public String nameForFormat(String name, Format format, boolean isStrict) {
        return ask("nameForFormat", plugin -> plugin.nameForFormat(name, format, isStrict), name, format, isStrict);
    }

    @Override
    public VolumePath path(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return ask("path", plugin -> plugin.path(storage, volume, snapshot), storage, volume, snapshot);
    }

    @Override
    public VolumePath filesystemPath(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        return ask(
                "filesystemPath",
                plugin -> plugin.filesystemPath(storage, volume, snapshot),
                storage,
                volume,
                snapshot);
    }

    @Override
    public String getSubdir(Storage storage, ContentType type) {
        return ask("getSubdir", plugin -> plugin.getSubdir(storage, type), storage, type);
    }

    @Override
    public List<VolumeInfo> listImages(Storage storage, ImageFilter filter, OperationCache cache) {
        return ask("listImages", plugin -> plugin.listImages(storage, filter, cache), storage, filter, cache);
    }

    @Override
    public SizeInfo volumeSizeInfo(Storage storage, VolumeName volume, @Nullable Duration timeout) {
        return ask(
                "volumeSizeInfo", plugin -> plugin.volumeSizeInfo(storage, volume, timeout), storage, volume, timeout);
    }

    @Override
    public StorageStatus status(Storage storage, OperationCache cache) {
        return ask("status", plugin -> plugin.status(storage, cache), storage, cache);
    }

    @Override
    public void activateStorage(Storage storage, OperationCache cache) {
        run("activateStorage", plugin -> plugin.activateStorage(storage, cache), storage, cache);
    }

    @Override
    public void deactivateStorage(Storage storage, OperationCache cache) {
        run("deactivateStorage", plugin -> plugin.deactivateStorage(storage, cache), storage, cache);
    }

    @Override
    public void activateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache, Hints hints) {
        run(
                "activateVolume",
                plugin -> plugin.activateVolume(storage, volume, snapshot, cache, hints),
                storage,
                volume,
                snapshot,
                cache,
                hints);
    }

    @Override
    public void deactivateVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, OperationCache cache) {
        run(
                "deactivateVolume",
                plugin -> plugin.deactivateVolume(storage, volume, snapshot, cache),
                storage,
                volume,
                snapshot,
                cache);
    }

    @Override
    public String findFreeDiskname(Storage storage, Vmid owner, @Nullable Format format, boolean addSuffix) {
        return ask(
                "findFreeDiskname",
                plugin -> plugin.findFreeDiskname(storage, owner, format, addSuffix),
                storage,
                owner,
                format,
                addSuffix);
    }

    @Override
    public VolumeName allocImage(Storage storage, Vmid owner, Format format, @Nullable String name, ByteSize size) {
        return make(
                "allocImage",
                plugin -> plugin.allocImage(storage, owner, format, name, size),
                storage,
                owner,
                format,
                name,
                size);
    }

    @Override
    public Optional<Cleanup> freeImage(Storage storage, VolumeName volume, boolean isBase, @Nullable Format format) {
        return make(
                "freeImage",
                plugin -> plugin.freeImage(storage, volume, isBase, format),
                storage,
                volume,
                isBase,
                format);
    }

    @Override
    public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
        return ask("checkConfig", plugin -> plugin.checkConfig(storage, properties, isNew), storage, properties, isNew);
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        return make("onAdd", plugin -> plugin.onAdd(storage, secrets), storage, secrets);
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        return make("onUpdate", plugin -> plugin.onUpdate(storage, change), storage, change);
    }

    @Override
    public void onDelete(Storage storage) {
        run("onDelete", plugin -> plugin.onDelete(storage), storage);
    }

    @Override
    public void lockStorage(StorageId storage, boolean isShared, @Nullable Duration timeout, Runnable work) {
        run(
                "lockStorage",
                plugin -> plugin.lockStorage(storage, isShared, timeout, work),
                storage,
                isShared,
                timeout,
                work);
    }

    @Override
    public boolean checkConnection(Storage storage) {
        return ask("checkConnection", plugin -> plugin.checkConnection(storage), storage);
    }

    @Override
    public Formats formats(Storage storage) {
        return ask("formats", plugin -> plugin.formats(storage), storage);
    }

    @Override
    public boolean canReplicate(Storage storage, Format format) {
        return ask("canReplicate", plugin -> plugin.canReplicate(storage, format), storage, format);
    }

    @Override
    public String identity(Storage storage) {
        return ask("identity", plugin -> plugin.identity(storage), storage);
    }

    @Override
    public List<ListedVolume> listVolumes(Storage storage, @Nullable Vmid owner, Set<ContentType> content) {
        return ask("listVolumes", plugin -> plugin.listVolumes(storage, owner, content), storage, owner, content);
    }

    @Override
    public VolumeName createBase(Storage storage, VolumeName volume) {
        return make("createBase", plugin -> plugin.createBase(storage, volume), storage, volume);
    }

    @Override
    public VolumeName cloneImage(Storage storage, VolumeName volume, Vmid owner, @Nullable SnapshotName snapshot) {
        return make(
                "cloneImage",
                plugin -> plugin.cloneImage(storage, volume, owner, snapshot),
                storage,
                volume,
                owner,
                snapshot);
    }

    @Override
    public VolumeId renameVolume(Storage storage, VolumeName volume, @Nullable Vmid owner, @Nullable VolumeName name) {
        return make(
                "renameVolume",
                plugin -> plugin.renameVolume(storage, volume, owner, name),
                storage,
                volume,
                owner,
                name);
    }

    @Override
    public void resizeVolume(
            Storage storage, VolumeName volume, ByteSize size, boolean isRunning, @Nullable SnapshotName snapshot) {
        run(
                "resizeVolume",
                plugin -> plugin.resizeVolume(storage, volume, size, isRunning, snapshot),
                storage,
                volume,
                size,
                isRunning,
                snapshot);
    }

    @Override
    public void snapshotVolume(Storage storage, VolumeName volume, SnapshotName snapshot) {
        run("snapshotVolume", plugin -> plugin.snapshotVolume(storage, volume, snapshot), storage, volume, snapshot);
    }

    @Override
    public Rollback rollbackIsPossible(Storage storage, VolumeName volume, SnapshotName snapshot) {
        return ask(
                "rollbackIsPossible",
                plugin -> plugin.rollbackIsPossible(storage, volume, snapshot),
                storage,
                volume,
                snapshot);
    }

    @Override
    public void rollback(Storage storage, VolumeName volume, SnapshotName snapshot) {
        run("rollback", plugin -> plugin.rollback(storage, volume, snapshot), storage, volume, snapshot);
    }

    @Override
    public void deleteSnapshot(Storage storage, VolumeName volume, SnapshotName snapshot, boolean isRunning) {
        run(
                "deleteSnapshot",
                plugin -> plugin.deleteSnapshot(storage, volume, snapshot, isRunning),
                storage,
                volume,
                snapshot,
                isRunning);
    }

    @Override
    public Map<String, SnapshotInfo> snapshots(Storage storage, VolumeName volume) {
        return ask("snapshots", plugin -> plugin.snapshots(storage, volume), storage, volume);
    }

    @Override
    public void renameSnapshot(Storage storage, VolumeName volume, SnapshotName from, SnapshotName to) {
        run("renameSnapshot", plugin -> plugin.renameSnapshot(storage, volume, from, to), storage, volume, from, to);
    }

    @Override
    public boolean snapshotNeedsFreeze() {
        return ask("snapshotNeedsFreeze", plugin -> plugin.snapshotNeedsFreeze());
    }

    @Override
    public SnapshotMethod snapshotMethod(Storage storage, VolumeName volume) {
        return ask("snapshotMethod", plugin -> plugin.snapshotMethod(storage, volume), storage, volume);
    }

    @Override
    public boolean hasFeature(
            Storage storage,
            Feature feature,
            VolumeName volume,
            @Nullable SnapshotName snapshot,
            boolean isRunning,
            @Nullable Set<Format> targetFormats) {
        return ask(
                "hasFeature",
                plugin -> plugin.hasFeature(storage, feature, volume, snapshot, isRunning, targetFormats),
                storage,
                feature,
                volume,
                snapshot,
                isRunning,
                targetFormats);
    }

    @Override
    public Optional<String> mapVolume(
            Storage storage, VolumeName volume, @Nullable SnapshotName snapshot, Hints hints) {
        return make(
                "mapVolume",
                plugin -> plugin.mapVolume(storage, volume, snapshot, hints),
                storage,
                volume,
                snapshot,
                hints);
    }

    @Override
    public void unmapVolume(Storage storage, VolumeName volume, @Nullable SnapshotName snapshot) {
        run("unmapVolume", plugin -> plugin.unmapVolume(storage, volume, snapshot), storage, volume, snapshot);
    }

    @Override
    public Optional<String> attribute(Storage storage, VolumeName volume, VolumeAttribute attribute) {
        return ask("attribute", plugin -> plugin.attribute(storage, volume, attribute), storage, volume, attribute);
    }

    @Override
    public void updateAttribute(Storage storage, VolumeName volume, VolumeAttribute attribute, @Nullable String value) {
        run(
                "updateAttribute",
                plugin -> plugin.updateAttribute(storage, volume, attribute, value),
                storage,
                volume,
                attribute,
                value);
    }

    @Override
    public Pruned pruneBackups(
            Storage storage, Retention retention, BackupSelection selection, boolean isDryRun, TaskLog log) {
        return make(
                "pruneBackups",
                plugin -> plugin.pruneBackups(storage, retention, selection, isDryRun, log),
                storage,
                retention,
                selection,
                isDryRun,
                log);
    }

    @Override
    public Map<String, Object> blockdevOptions(Storage storage, VolumeName volume, BlockdevQuery query) {
        return ask("blockdevOptions", plugin -> plugin.blockdevOptions(storage, volume, query), storage, volume, query);
    }

    @Override
    public Map<String, Object> importMetadata(Storage storage, VolumeName volume) {
        return ask("importMetadata", plugin -> plugin.importMetadata(storage, volume), storage, volume);
    }

    @Override
    public List<String> exportFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return ask(
                "exportFormats", plugin -> plugin.exportFormats(storage, volume, transfer), storage, volume, transfer);
    }

    @Override
    public List<String> importFormats(Storage storage, VolumeName volume, Transfer transfer) {
        return ask(
                "importFormats", plugin -> plugin.importFormats(storage, volume, transfer), storage, volume, transfer);
    }

    @Override
    public void exportVolume(
            Storage storage, VolumeName volume, String format, Transfer transfer, ExportStream stream) {
        run(
                "exportVolume",
                plugin -> plugin.exportVolume(storage, volume, format, transfer, stream),
                storage,
                volume,
                format,
                transfer,
                stream);
    }

    @Override
    public VolumeId importVolume(
            Storage storage,
            VolumeName volume,
            String format,
            Transfer transfer,
            boolean allowRename,
            ImportStream stream) {
        return make(
                "importVolume",
                plugin -> plugin.importVolume(storage, volume, format, transfer, allowRename, stream),
                storage,
                volume,
                format,
                transfer,
                allowRename,
                stream);
    }

    @Override
    public BackupProvider newBackupProvider(Storage storage, TaskLog log) {
        return make("newBackupProvider", plugin -> plugin.newBackupProvider(storage, log), storage, log);
    }
}
