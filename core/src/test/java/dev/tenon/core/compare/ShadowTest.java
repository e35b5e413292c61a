package dev.tenon.core.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.BackupSelection;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Retention;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real directory, used through a plugin that has a shadow. */
@Timeout(60)
class ShadowTest {
    private static final StorageStatus ODD =
            new StorageStatus.Active(ByteSize.ofKib(3), ByteSize.ofKib(2), ByteSize.ofKib(1));
    private static final Shadow.Settings ALL = new Shadow.Settings(1, 1, 16, 1000, Duration.ofSeconds(30));

    private final StoragePlugin dir = Objects.requireNonNull(NativeTypes.all().get("dir"));
    private final BlockingQueue<Compared> results = new LinkedBlockingQueue<>();

    @TempDir
    private Path directory = Path.of("");

    private Storage storage = new Storage(new StorageId("nas"), new StorageConfig("dir", Map.of()));

    @BeforeEach
    void isActive() {
        Map<String, Object> properties = new TreeMap<>();
        properties.put("path", directory.toString());
        properties.put("content", new TreeMap<>(Map.of("images", 1L)));
        storage = new Storage(new StorageId("nas"), new StorageConfig("dir", properties));
        dir.activateStorage(storage, OperationCache.create());
    }

    private static StoragePlugin instead(StoragePlugin plugin, String operation, Supplier<@Nullable Object> answer) {
        return Decorator.decorate(
                plugin, (call, next) -> call.operation().equals(operation) ? answer.get() : next.get());
    }

    private Shadow shadow(StoragePlugin candidate, Shadow.Settings settings) {
        return new Shadow(dir, candidate, Rules.NONE, settings, results::add);
    }

    private Compared result() throws InterruptedException {
        return Objects.requireNonNull(results.poll(30, TimeUnit.SECONDS), "a result");
    }

    @Test
    void callersGetWhatTheOldPluginSaysAndWhatTheNewOneSaysIsCompared() throws InterruptedException {
        try (Shadow shadow = shadow(instead(dir, "status", () -> ODD), ALL)) {
            StorageStatus status = shadow.plugin().status(storage, OperationCache.create());

            assertThat(status).isNotEqualTo(ODD);
            Compared compared = result();
            assertThat(compared.question().method()).isEqualTo("status");
            assertThat(compared.unexplained()).extracting(Difference::field).contains("total");

            assertThatThrownBy(() -> shadow.plugin().parseVolname(new VolumeName("nonsense")))
                    .isInstanceOf(StorageException.class);
            assertThat(result().isEqual()).isTrue();
        }
    }

    @Test
    void whatChangesAStorageIsMadeOnceAndByTheOldPlugin() throws InterruptedException {
        List<Call<?>> asked = new CopyOnWriteArrayList<>();
        StoragePlugin candidate = Decorator.decorate(dir, (call, next) -> {
            asked.add(call);
            return next.get();
        });
        try (Shadow shadow = shadow(candidate, ALL)) {
            VolumeName volume =
                    shadow.plugin().allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
            shadow.plugin().resizeVolume(storage, volume, ByteSize.ofKib(128), false, null);
            assertThat(shadow.plugin().listImages(storage, ImageFilter.all(), OperationCache.create()))
                    .hasSize(1);

            assertThat(result().isEqual()).isTrue();
            assertThat(asked).extracting(Call::operation).containsOnly("listImages");
            assertThat(shadow.counts().reads()).isEqualTo(1);
            assertThat(shadow.counts().changes()).isEqualTo(2);
        }
    }

    /** It would remove backups of a storage that is in use if it overlooked what is wanted. */
    @Test
    void aDryRunIsNotAskedOfTheNewPlugin() {
        List<String> asked = new CopyOnWriteArrayList<>();
        StoragePlugin candidate = Decorator.decorate(dir, (call, next) -> {
            asked.add(call.operation());
            return next.get();
        });
        try (Shadow shadow = shadow(candidate, ALL)) {
            Retention retention = new Retention(Map.of("keep-last", 1L));
            BackupSelection all = new BackupSelection(null, null);
            shadow.plugin().pruneBackups(storage, retention, all, true, (level, line) -> {});
            shadow.plugin().pruneBackups(storage, retention, all, false, (level, line) -> {});
            assertThat(shadow.counts().leftOut()).isEqualTo(1);
            assertThat(shadow.counts().changes()).isEqualTo(1);
        }
        assertThat(asked).isEmpty();
    }

    @Test
    void whatTheNewPluginThrowsIsADifferenceAndNoMore() throws InterruptedException {
        StoragePlugin broken = instead(dir, "status", () -> {
            throw new IllegalStateException("broken");
        });
        StoragePlugin exhausted = instead(broken, "getSubdir", () -> {
            throw new StackOverflowError("deep");
        });
        try (Shadow shadow = shadow(exhausted, ALL)) {
            shadow.plugin().getSubdir(storage, ContentType.IMAGES);
            shadow.plugin().status(storage, OperationCache.create());

            Compared compared = result();
            assertThat(compared.question().method()).isEqualTo("status");
            assertThat(compared.unexplained()).extracting(Difference::field).containsExactly("answer");
            assertThat(shadow.counts().dropped()).isEqualTo(1);
        }
    }

    @Test
    void callersDoNotWaitForANewPluginThatHangs() throws InterruptedException {
        CountDownLatch hangs = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        StoragePlugin hanging = instead(dir, "status", () -> {
            hangs.countDown();
            awaitUninterruptibly(goesOn);
            return ODD;
        });
        try (Shadow shadow = shadow(hanging, new Shadow.Settings(1, 0, 4, 1000, Duration.ofMillis(50)))) {
            StoragePlugin plugin = shadow.plugin();
            plugin.status(storage, OperationCache.create());
            hangs.await();
            for (int i = 0; i < 100; i++) {
                plugin.getSubdir(storage, ContentType.IMAGES);
            }
            Shadow.Counts counts = shadow.counts();
            assertThat(counts.reads()).isEqualTo(101);
            assertThat(counts.dropped() + counts.late()).isGreaterThanOrEqualTo(96);
            assertThat(counts.compared()).isZero();
        } finally {
            goesOn.countDown();
        }
        assertThat(results).isEmpty();
    }

    /** As a plugin may that looks at no interrupt. */
    private static void awaitUninterruptibly(CountDownLatch latch) {
        while (true) {
            try {
                latch.await();
                return;
            } catch (InterruptedException e) {
                // goes on
            }
        }
    }

    @Test
    void aDifferenceThatAChangeMayHaveMadeIsCountedAndNotTold() throws InterruptedException {
        CountDownLatch isAsked = new CountDownLatch(1);
        CountDownLatch isChanged = new CountDownLatch(1);
        StoragePlugin slow = Decorator.decorate(dir, (call, next) -> {
            if (call.operation().equals("listImages")) {
                isAsked.countDown();
                awaitUninterruptibly(isChanged);
                return List.of();
            }
            return next.get();
        });
        try (Shadow shadow = shadow(slow, ALL)) {
            StoragePlugin plugin = shadow.plugin();
            plugin.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
            plugin.listImages(storage, ImageFilter.all(), OperationCache.create());
            isAsked.await();
            plugin.allocImage(storage, new Vmid(101), Format.Image.RAW, null, ByteSize.ofKib(64));
            isChanged.countDown();
            plugin.getSubdir(storage, ContentType.IMAGES);

            assertThat(result().question().method()).isEqualTo("getSubdir");
            assertThat(shadow.counts().overtaken()).isEqualTo(1);
            assertThat(results).isEmpty();
        }
    }

    @Test
    void whatWaitsIsComparedBeforeTheEnd() {
        try (Shadow shadow = shadow(dir, ALL)) {
            for (int i = 0; i < 10; i++) {
                shadow.plugin().getSubdir(storage, ContentType.IMAGES);
            }
        }
        assertThat(results).hasSize(10);
    }

    @Test
    void whatIsLeftOutOrTooLongForTheQueueIsCounted() {
        dir.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
        dir.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
        try (Shadow none = shadow(dir, new Shadow.Settings(0, 0, 4, 1, Duration.ofSeconds(30)))) {
            none.plugin().status(storage, OperationCache.create());
            assertThat(none.counts().leftOut()).isEqualTo(1);
        }
        try (Shadow small = shadow(dir, new Shadow.Settings(1, 0, 4, 1, Duration.ofSeconds(30)))) {
            assertThat(small.plugin().listImages(storage, ImageFilter.all(), OperationCache.create()))
                    .hasSize(2);
            assertThat(small.counts().dropped()).isEqualTo(1);
        }
        assertThatThrownBy(() -> new Shadow.Settings(1.5, 0, 4, 1, Duration.ofSeconds(1)))
                .hasMessageContaining("1.5");
    }
}
