package dev.tenon.core.service;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One operation of the host: what its calls share, and the storages that it activated, each of them once. */
final class Operation {
    private static final Logger LOG = LoggerFactory.getLogger(Operation.class);
    private static final Path UEVENTS = Path.of("/sys/kernel/uevent_seqnum");
    private static final Duration SETTLE_LIMIT = Duration.ofSeconds(30);
    /** The program keeps its own time limit; the one around it is for a program that does not. */
    private static final Duration SETTLE_DEADLINE = Duration.ofSeconds(35);

    /** What storages in directories of this node declare, and no others. */
    private static final String LOCAL = "is_mountpoint";

    private final Storages storages;
    private final OperationCache cache = OperationCache.create();
    private final Map<StorageId, CompletableFuture<Configured>> activated = new ConcurrentHashMap<>();
    private long seenEvents;

    Operation(Storages storages) {
        this.storages = storages;
        this.seenEvents = events();
    }

    OperationCache cache() {
        return cache;
    }

    /**
     * Makes a storage usable, after the one that it is based on.
     *
     * @throws StorageException {@code NOT_FOUND}; {@code STORAGE_UNAVAILABLE} if it is disabled, not of this node, or not
     *     online; what its plugin throws
     */
    Configured activate(StorageId id) {
        return activate(storages.enabled(id));
    }

    /** The storage, set so that activating it makes no directories. A mount still needs its mount point. */
    private static Storage asItIs(Configured configured) {
        Map<String, Object> properties =
                new LinkedHashMap<>(configured.storage().config().properties());
        Set<String> options = configured.plugin().options().keySet();
        if (options.contains("create-subdirs")) {
            properties.put("create-subdirs", "0");
        }
        if (options.contains(LOCAL) && options.contains("create-base-path")) {
            properties.put("create-base-path", "0");
        }
        return new Storage(
                configured.id(), new StorageConfig(configured.storage().config().type(), properties));
    }

    /** The same of a storage that may be used here, whether or not it is in the configuration yet. */
    Configured activate(Configured configured) {
        CompletableFuture<Configured> mine = new CompletableFuture<>();
        CompletableFuture<Configured> others = activated.putIfAbsent(configured.id(), mine);
        if (others != null) {
            return resultOf(others);
        }
        try {
            refuseCircle(configured);
            base(configured).ifPresent(this::activate);
            checkConnection(configured);
            configured
                    .plugin()
                    .activateStorage(storages.isReading() ? asItIs(configured) : configured.storage(), cache);
            settle();
            mine.complete(configured);
            return configured;
        } catch (RuntimeException | Error e) {
            mine.completeExceptionally(e);
            throw e;
        }
    }

    /** Ends the use of a snapshot; one that stays active for longer harms nobody, so a failure is only told. */
    void deactivate(Configured configured, VolumeId volume, SnapshotName snapshot) {
        try {
            configured.plugin().deactivateVolume(configured.storage(), volume.volume(), snapshot, cache);
        } catch (StorageException e) {
            LOG.warn("snapshot '{}' of volume '{}' stays active: {}", snapshot, volume, e.getMessage());
        }
    }

    private static Configured resultOf(CompletableFuture<Configured> activation) {
        try {
            return activation.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException thrown -> throw thrown;
                case Error thrown -> throw thrown;
                case null, default -> throw e;
            }
        }
    }

    private static Optional<StorageId> base(Configured configured) {
        return configured
                .storage()
                .config()
                .text("base")
                .map(volid -> VolumeId.parse(volid).storage());
    }

    /** Storages that wait for each other would wait forever. */
    private void refuseCircle(Configured configured) {
        Set<StorageId> seen = new HashSet<>();
        Optional<StorageId> base = base(configured);
        while (base.isPresent() && seen.add(base.get())) {
            if (base.get().equals(configured.id())) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + configured.id() + "' is based on itself; change its property 'base'");
            }
            base = base(storages.get(base.get()));
        }
    }

    private static void checkConnection(Configured configured) {
        boolean isOnline;
        try {
            isOnline = configured.plugin().checkConnection(configured.storage());
        } catch (StorageException e) {
            throw new StorageException(
                    e.error(),
                    e.outcome(),
                    "connection check for storage '" + configured.id() + "' failed - " + e.getMessage(),
                    e);
        }
        if (!isOnline) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, "storage '" + configured.id() + "' is not online");
        }
    }

    /** Devices that came with the activation have their names only when udev is done. */
    private synchronized void settle() {
        long now = events();
        if (now > seenEvents) {
            try {
                Command.of("udevadm", "settle", "--timeout=" + SETTLE_LIMIT.toSeconds())
                        .withDeadline(SETTLE_DEADLINE)
                        .run();
            } catch (StorageException e) {
                LOG.debug("not waited for udev: {}", e.getMessage());
            }
            seenEvents = now;
        }
    }

    private static long events() {
        try {
            return Long.parseLong(Files.readString(UEVENTS).strip());
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /** Activates volumes, and before them the storages that they are on. */
    void activateVolumes(Collection<VolumeId> volumes, @Nullable SnapshotName snapshot, Hints hints) {
        Set<StorageId> involved = new LinkedHashSet<>();
        volumes.forEach(volume -> involved.add(volume.storage()));
        involved.forEach(this::activate);
        for (VolumeId volume : volumes) {
            Configured configured = storages.get(volume.storage());
            configured.plugin().activateVolume(configured.storage(), volume.volume(), snapshot, cache, hints);
        }
    }

    /** Deactivates volumes, all that can be; what is thrown names those that could not be. */
    void deactivateVolumes(Collection<VolumeId> volumes, @Nullable SnapshotName snapshot) {
        List<VolumeId> failed = new ArrayList<>();
        @Nullable StorageException reason = null;
        for (VolumeId volume : volumes) {
            Configured configured = storages.get(volume.storage());
            try {
                configured.plugin().deactivateVolume(configured.storage(), volume.volume(), snapshot, cache);
            } catch (StorageException e) {
                LOG.warn("volume '{}' is not deactivated: {}", volume, e.getMessage());
                failed.add(volume);
                reason = e;
            }
        }
        if (reason != null) {
            throw new StorageException(
                    reason.error(),
                    reason.outcome(),
                    "volume deactivation failed: "
                            + String.join(
                                    " ", failed.stream().map(VolumeId::toString).toList()),
                    reason);
        }
    }
}
