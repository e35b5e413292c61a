package dev.tenon.cli.compare;

import dev.tenon.core.compare.Answer;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.record.CallForm;
import dev.tenon.core.record.Recording;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Which storages a recording is about, and which of them held volumes that were not made in it. */
final class Survey implements Recording.Reader {
    private static final Set<String> MAKING = Set.of("allocImage", "cloneImage", "createBase", "renameVolume");
    private static final Set<String> OF_VOLUMES_THERE = Set.of("volumeSizeInfo", "snapshots");

    private final Map<String, Path> paths = new TreeMap<>();
    private final Set<Volume> made = new HashSet<>();
    private final Set<Volume> seen = new HashSet<>();

    private record Volume(StorageId storage, VolumeName name) {}

    /** Where each storage with a path was, by its name. */
    Map<String, Path> paths() {
        return paths;
    }

    /**
     * Makes a directory for each storage that has no place yet.
     *
     * @throws IOException if one of them was not empty, so that the calls would fail in an empty one
     */
    void makeEmpty(Path parent, Map<StorageId, Path> places) throws IOException {
        Set<String> full = new TreeSet<>();
        seen.stream()
                .filter(volume -> !made.contains(volume))
                .forEach(volume -> full.add(volume.storage().value()));
        for (String name : paths.keySet()) {
            StorageId id = new StorageId(name);
            if (places.containsKey(id)) {
                continue;
            }
            if (full.contains(name)) {
                throw new IOException("storage '" + name
                        + "' held volumes that were not made in the recording, so that an empty one is not like it: name a copy"
                        + " with --copy " + name + "=DIR");
            }
            places.put(id, Files.createDirectory(parent.resolve(name)).toRealPath());
        }
    }

    @Override
    public void call(Duration at, CallForm.Made call) {
        Storage storage = call.call().argument(Storage.class).orElse(null);
        if (storage == null) {
            return;
        }
        storage.config().text("path").ifPresent(path -> paths.put(storage.id().value(), Path.of(path)));
        if (call.answer() instanceof Answer.Value(Object value, var _)) {
            note(storage.id(), call.call(), value);
        }
    }

    /** So plugins answer that do not fail for a volume that is missing. */
    private static boolean isOfNothing(Object value) {
        return (value instanceof SizeInfo info && info.size() == null)
                || (value instanceof Map<?, ?> map && map.isEmpty());
    }

    private void note(StorageId storage, Call<?> call, Object value) {
        if (MAKING.contains(call.operation())) {
            VolumeName name = value instanceof VolumeId id ? id.volume() : (VolumeName) value;
            made.add(new Volume(storage, name));
        } else if (OF_VOLUMES_THERE.contains(call.operation()) && !isOfNothing(value)) {
            call.argument(VolumeName.class).ifPresent(name -> seen.add(new Volume(storage, name)));
        } else if (value instanceof List<?> list) {
            for (Object element : list) {
                switch (element) {
                    case VolumeInfo volume ->
                        seen.add(new Volume(storage, volume.volid().volume()));
                    case ListedVolume listed ->
                        seen.add(new Volume(storage, listed.volume().volid().volume()));
                    default -> {}
                }
            }
        }
    }
}
