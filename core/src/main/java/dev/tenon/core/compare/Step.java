package dev.tenon.core.compare;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A change of a storage, as data, so that it can be made on two storages, and again without the others. */
sealed interface Step {
    /** How it is described. */
    Compared.Question question(Storage storage);

    /** Makes it. What it answers is a name or nothing. */
    @Nullable
    Object make(StoragePlugin plugin, Storage storage);

    private static Compared.Question asked(Storage storage, String method, Object... arguments) {
        return new Compared.Question(
                method,
                storage.id(),
                List.of(arguments).stream().map(String::valueOf).toList());
    }

    record Alloc(Vmid owner, Format.Image format, ByteSize size) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "allocImage", owner, format, size);
        }

        @Override
        public Object make(StoragePlugin plugin, Storage storage) {
            return plugin.allocImage(storage, owner, format, null, size);
        }
    }

    record Free(VolumeName volume) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "freeImage", volume);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            Optional<Cleanup> left = parsed(plugin) instanceof ParsedVolume.GuestImage image
                    // PVE tells both, and its base class removes a directory only if it is told that it is one
                    ? plugin.freeImage(storage, volume, image.isBase(), image.format())
                    : plugin.freeImage(storage, volume, false, null);
            left.ifPresent(Cleanup::run);
            return null;
        }

        /** Null if the name means nothing to the plugin, which is to refuse it. */
        private @Nullable ParsedVolume parsed(StoragePlugin plugin) {
            try {
                return plugin.parseVolname(volume);
            } catch (StorageException e) {
                return null;
            }
        }
    }

    record Resize(VolumeName volume, ByteSize size) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "resizeVolume", volume, size);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            plugin.resizeVolume(storage, volume, size, false, null);
            return null;
        }
    }

    record Snapshot(VolumeName volume, SnapshotName name) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "snapshotVolume", volume, name);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            plugin.snapshotVolume(storage, volume, name);
            return null;
        }
    }

    record Rollback(VolumeName volume, SnapshotName name) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "rollback", volume, name);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            plugin.rollback(storage, volume, name);
            return null;
        }
    }

    record DeleteSnapshot(VolumeName volume, SnapshotName name) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "deleteSnapshot", volume, name);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            plugin.deleteSnapshot(storage, volume, name, false);
            return null;
        }
    }

    record Base(VolumeName volume) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "createBase", volume);
        }

        @Override
        public Object make(StoragePlugin plugin, Storage storage) {
            return plugin.createBase(storage, volume);
        }
    }

    record Clone(VolumeName volume, Vmid owner) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "cloneImage", volume, owner);
        }

        @Override
        public Object make(StoragePlugin plugin, Storage storage) {
            return plugin.cloneImage(storage, volume, owner, null);
        }
    }

    record Rename(VolumeName volume, Vmid owner) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "renameVolume", volume, owner);
        }

        @Override
        public Object make(StoragePlugin plugin, Storage storage) {
            return plugin.renameVolume(storage, volume, owner, null).volume();
        }
    }

    record Attribute(VolumeName volume, VolumeAttribute attribute, String value) implements Step {
        @Override
        public Compared.Question question(Storage storage) {
            return asked(storage, "updateAttribute", volume, attribute.word(), value);
        }

        @Override
        public @Nullable Object make(StoragePlugin plugin, Storage storage) {
            plugin.updateAttribute(storage, volume, attribute, value);
            return null;
        }
    }
}
