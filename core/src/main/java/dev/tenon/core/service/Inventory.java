package dev.tenon.core.service;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What storages tell of themselves: how they are, and what they hold. */
record Inventory(Storages storages) {
    private static final Logger LOG = LoggerFactory.getLogger(Inventory.class);
    private static final Set<ContentType> LISTED = EnumSet.complementOf(EnumSet.of(ContentType.NONE));

    List<StorageSummary> statusOf(Collection<StorageId> asked, Duration limit) {
        Operation operation = new Operation(storages);
        Map<StorageId, Configured> configured = new LinkedHashMap<>();
        asked.forEach(id -> configured.put(id, storages.get(id)));
        return AtOnce.ask(
                        configured.keySet(),
                        limit,
                        id -> summary(
                                Objects.requireNonNull(configured.get(id)),
                                contentOf(Objects.requireNonNull(configured.get(id))),
                                operation))
                .values()
                .stream()
                .map(answer -> switch (answer) {
                    case Answer.Given<StorageSummary>(StorageId ignored, StorageSummary summary) -> summary;
                    case Answer.Refused<StorageSummary>(StorageId id, StorageException reason) ->
                        inactive(Objects.requireNonNull(configured.get(id)), reason);
                })
                .toList();
    }

    private StorageSummary inactive(Configured configured, StorageException reason) {
        return new StorageSummary(
                configured.id(),
                configured.plugin().type(),
                contentOf(configured),
                storages.isEnabled(configured),
                configured.isShared(),
                new StorageStatus.Inactive(),
                reason.getMessage());
    }

    private StorageSummary summary(Configured configured, Set<ContentType> content, Operation operation) {
        StorageStatus status = new StorageStatus.Inactive();
        String problem = null;
        boolean isEnabled = storages.isEnabled(configured);
        if (isEnabled) {
            try {
                operation.activate(configured.id());
                status = configured.plugin().status(configured.storage(), operation.cache());
            } catch (StorageException e) {
                LOG.debug("storage '{}' has no status: {}", configured.id(), e.getMessage());
                problem = e.getMessage();
            }
        }
        return new StorageSummary(
                configured.id(),
                configured.plugin().type(),
                content,
                isEnabled,
                configured.isShared(),
                status,
                problem);
    }

    static Set<ContentType> contentOf(Configured configured) {
        return configured.storage().config().content();
    }

    Map<StorageId, List<VolumeInfo>> listImages(
            @Nullable StorageId only, ImageFilter filter, @Nullable ContentType content) {
        Map<StorageId, List<VolumeInfo>> images = new LinkedHashMap<>();
        if (only != null) {
            storages.enabled(only);
            images.put(only, List.of());
        }
        Operation operation = new Operation(storages);
        List<Configured> listed = selected(only, filter, content)
                .map(configured -> operation.activate(configured.id()))
                .toList();
        for (Configured configured : listed) {
            List<VolumeInfo> found =
                    new ArrayList<>(configured.plugin().listImages(configured.storage(), filter, operation.cache()));
            found.sort(byId(VolumeInfo::volid));
            images.put(configured.id(), List.copyOf(found));
        }
        return images;
    }

    private Stream<Configured> selected(@Nullable StorageId only, ImageFilter filter, @Nullable ContentType content) {
        Set<StorageId> named = new LinkedHashSet<>();
        if (filter instanceof ImageFilter.Named(List<VolumeId> volumes)) {
            volumes.forEach(volume -> named.add(volume.storage()));
        }
        return storages.all().stream()
                .filter(storages::isEnabled)
                .filter(configured -> only == null || configured.id().equals(only))
                .filter(configured -> {
                    if (filter instanceof ImageFilter.Named) {
                        return named.contains(configured.id());
                    }
                    Set<ContentType> held = contentOf(configured);
                    return (content == null || held.contains(content))
                            && (held.contains(ContentType.IMAGES) || held.contains(ContentType.ROOTDIR));
                });
    }

    List<ListedVolume> listVolumes(StorageId storage, @Nullable Vmid owner, Set<ContentType> content) {
        Set<ContentType> wanted = EnumSet.noneOf(ContentType.class);
        wanted.addAll(content.isEmpty() ? LISTED : content);
        wanted.retainAll(contentOf(storages.get(storage)));
        Configured configured = new Operation(storages).activate(storage);
        List<ListedVolume> volumes =
                new ArrayList<>(configured.plugin().listVolumes(configured.storage(), owner, wanted));
        volumes.sort(byId(listed -> listed.volume().volid()));
        return List.copyOf(volumes);
    }

    private static <T> Comparator<T> byId(Function<T, VolumeId> id) {
        return Comparator.comparing(listed -> id.apply(listed).toString().toLowerCase(Locale.ROOT));
    }
}
