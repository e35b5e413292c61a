package dev.tenon.core.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.compare.Rules;
import dev.tenon.core.compare.Shadow;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two plugins of a real directory, and what makes which call. */
@Timeout(60)
class RouterTest {
    private static final Bounds THREE_OF_TEN = new Bounds(3, 10, Duration.ofSeconds(30));

    private final StoragePlugin dir = Objects.requireNonNull(NativeTypes.all().get("dir"));
    private final List<String> ofOld = new CopyOnWriteArrayList<>();
    private final List<String> ofNew = new CopyOnWriteArrayList<>();
    private final List<Shadow> shadows = new ArrayList<>();

    @TempDir
    private Path directory = Path.of("");

    private Storage storage = new Storage(new StorageId("nas"), new StorageConfig("dir", Map.of()));

    private final AtomicLong clock = new AtomicLong();

    /** What the new plugin does in place of what it should; null if it does that. */
    private volatile @Nullable Fault fault;

    @FunctionalInterface
    private interface Fault {
        @Nullable
        Object make(Call<?> call, Supplier<@Nullable Object> next);
    }

    @BeforeEach
    void isActive() {
        storage = storage("nas");
        dir.activateStorage(storage, OperationCache.create());
    }

    @AfterEach
    void endShadows() {
        shadows.forEach(Shadow::close);
    }

    private Storage storage(String id) {
        Map<String, Object> properties = new TreeMap<>();
        properties.put("path", directory.resolve("storage").toString());
        properties.put("content", new TreeMap<>(Map.of("images", 1L)));
        return new Storage(new StorageId(id), new StorageConfig("dir", properties));
    }

    private Path file() {
        return directory.resolve("routes/dir.json");
    }

    private Router router() throws IOException {
        StoragePlugin old = Decorator.decorate(dir, (call, next) -> {
            ofOld.add(call.operation());
            return next.get();
        });
        StoragePlugin candidate = Decorator.decorate(dir, (call, next) -> {
            ofNew.add(call.operation());
            Fault now = fault;
            return now == null ? next.get() : now.make(call, next);
        });
        Shadow shadow = new Shadow(
                old, candidate, Rules.NONE, new Shadow.Settings(0, 0, 16, 1000, Duration.ofSeconds(5)), ignored -> {});
        shadows.add(shadow);
        return new Router("dir", old, candidate, shadow, file(), clock::get);
    }

    private Router router(@Nullable String method, Way way) throws IOException {
        Router router = router();
        router.change(THREE_OF_TEN);
        router.change(route("nas", method, way));
        return router;
    }

    private static Route route(@Nullable String storage, @Nullable String method, Way way) {
        return new Route(storage == null ? null : new StorageId(storage), method, way, "a test", Instant.EPOCH, true);
    }

    private static StorageException failure(StorageError error, Outcome outcome) {
        return new StorageException(error, outcome, "broken");
    }

    private VolumeName alloc(StoragePlugin plugin) {
        return plugin.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(64));
    }

    private int volumes() {
        return dir.listImages(storage, ImageFilter.all(), OperationCache.create())
                .size();
    }

    @Test
    void theWayBackInADaemonThatIsReplacedIsSeenByItsSuccessor() throws IOException {
        Router before = router(null, Way.FALLBACK);
        Router successor = router();
        successor.plugin().status(storage, OperationCache.create());
        assertThat(ofNew).contains("status");
        fault = (call, next) -> {
            throw failure(StorageError.COMMAND_FAILED, Outcome.UNKNOWN);
        };
        for (int i = 0; i < 3; i++) {
            before.plugin().status(storage, OperationCache.create());
        }
        assertThat(before.routes().of(storage.id(), "status")).isEqualTo(Way.OLD);

        ofNew.clear();
        clock.addAndGet(Duration.ofSeconds(2).toNanos());
        successor.plugin().status(storage, OperationCache.create());
        assertThat(ofNew).isEmpty();
        assertThat(successor.routes()).isEqualTo(before.routes());
    }

    @Test
    void aRouteAndBoundsAreWrittenTogetherOrNotAtAll() throws IOException {
        Router router = router();
        router.change(route("nas", null, Way.NEW), THREE_OF_TEN);
        assertThat(router().routes().bounds()).isEqualTo(THREE_OF_TEN);
        assertThat(router().routes().of(storage.id(), "status")).isEqualTo(Way.NEW);
    }

    @Test
    void theMostPreciseRouteSaysWhoMakesACall() throws IOException {
        Router router = router();
        StoragePlugin plugin = router.plugin();
        router.change(route(null, "status", Way.NEW));
        router.change(route("other", null, Way.OLD));

        plugin.status(storage, OperationCache.create());
        assertThat(ofNew).containsExactly("status");
        assertThat(ofOld).isEmpty();
        plugin.status(storage("other"), OperationCache.create());
        plugin.getSubdir(storage, ContentType.IMAGES);
        assertThat(ofOld).containsExactly("status", "getSubdir");

        router.change(route("other", "status", Way.NEW));
        plugin.status(storage("other"), OperationCache.create());
        assertThat(ofNew).containsExactly("status", "status");
        assertThat(plugin.type()).isEqualTo("dir");
        assertThat(ofNew).doesNotContain("type");

        router.change(route(null, null, Way.OLD));
        assertThat(router.routes().routes())
                .as("a wider route takes the place of others")
                .hasSize(1);
    }

    @Test
    void routesAreKeptAndAFileThatIsNoneIsToldWithWhatToDo() throws IOException {
        Routes before = router("status", Way.FALLBACK).routes();

        assertThat(router().routes()).isEqualTo(before);
        for (String wrong :
                List.of("", "[]", "{\"version\": 2}", Files.readString(file()).replace("fallback", "back"))) {
            Files.writeString(file(), wrong);
            assertThatThrownBy(this::router)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(file().toString())
                    .hasMessageContaining("correct the file, or remove it");
        }
    }

    @Test
    void aRouteThatCannotBeWrittenDownIsNotTaken() throws IOException {
        Router router = router(null, Way.OLD);
        Files.deleteIfExists(file());
        Files.createDirectories(file().resolve("full"));

        assertThatThrownBy(() -> router.change(route("nas", null, Way.NEW))).isInstanceOf(IOException.class);

        router.plugin().status(storage, OperationCache.create());
        assertThat(ofOld).containsExactly("status");
    }

    @Test
    void whatReadsIsAskedOfTheOldPluginAfterAnyErrorOfTheNewOne() throws IOException {
        StoragePlugin plugin = router(null, Way.FALLBACK).plugin();
        fault = (call, next) -> {
            throw failure(StorageError.INTERNAL, Outcome.UNKNOWN);
        };
        assertThat(plugin.getSubdir(storage, ContentType.IMAGES)).endsWith("images");
        fault = (call, next) -> {
            throw new NoClassDefFoundError("gone");
        };
        assertThat(plugin.getSubdir(storage, ContentType.IMAGES)).endsWith("images");
        assertThat(ofNew).hasSize(2);
        assertThat(ofOld).hasSize(2);
    }

    @Test
    void aChangeIsMadeByTheOldPluginOnlyIfTheNewOneHasNotStarted() throws IOException {
        StoragePlugin plugin = router(null, Way.FALLBACK).plugin();
        fault = (call, next) -> {
            throw failure(StorageError.STORAGE_UNAVAILABLE, Outcome.NOT_STARTED);
        };
        alloc(plugin);
        assertThat(volumes()).isEqualTo(1);
        assertThat(ofOld).containsExactly("allocImage");

        fault = (call, next) -> {
            assertThat(next.get()).isNotNull();
            throw failure(StorageError.DEADLINE_EXCEEDED, Outcome.UNKNOWN);
        };
        assertThatThrownBy(() -> alloc(plugin)).hasMessageContaining("broken");
        assertThat(volumes()).isEqualTo(2);
        fault = (call, next) -> {
            throw failure(StorageError.COMMAND_FAILED, Outcome.FAILED_CLEAN);
        };
        assertThatThrownBy(() -> alloc(plugin)).hasMessageContaining("broken");
        assertThat(volumes()).isEqualTo(2);
        assertThat(ofOld).hasSize(1);
    }

    @Test
    void whatBothRefuseIsNoFaultOfTheNewOne() throws IOException {
        Router router = router(null, Way.FALLBACK);
        VolumeName missing = new VolumeName("100/vm-100-disk-9.raw");
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> router.plugin().volumeSizeInfo(storage, missing, null))
                    .isInstanceOf(StorageException.class);
        }
        assertThat(router.routes().of(storage.id(), "status")).isEqualTo(Way.FALLBACK);
    }

    @Test
    void aStorageGoesBackWhenTooManyOfItsLastCallsWereBadAndStaysBack() throws IOException {
        Router router = router("status", Way.NEW);
        router.change(route("other", null, Way.NEW));
        StoragePlugin plugin = router.plugin();
        fault = (call, next) -> {
            throw new IllegalStateException("broken\nin two lines");
        };
        int failed = 0;
        for (int i = 0; i < 20; i++) {
            try {
                plugin.status(storage, OperationCache.create());
            } catch (IllegalStateException e) {
                failed++;
            }
        }

        assertThat(failed).isEqualTo(3);
        Route back = router.routes().routes().stream()
                .filter(route -> !route.isByHand())
                .findFirst()
                .orElseThrow();
        assertThat(back.way()).isEqualTo(Way.OLD);
        assertThat(back.storage()).isEqualTo(storage.id());
        assertThat(back.method()).isNull();
        assertThat(back.reason())
                .contains("3 of the last 3 calls of the new plugin were bad", "status", "broken in two lines");
        assertThat(router().routes()).as("after a restart").isEqualTo(router.routes());
        assertThat(router.routes().of(new StorageId("other"), "status")).isEqualTo(Way.NEW);

        fault = null;
        plugin.status(storage, OperationCache.create());
        assertThat(ofNew).hasSize(3);
        router.change(route("nas", "status", Way.NEW));
        plugin.status(storage, OperationCache.create());
        assertThat(ofNew).hasSize(4);
    }

    @Test
    void fewBadCallsAmongManyGoodOnesAreWithinTheBounds() throws IOException {
        Router router = router(null, Way.NEW);
        for (int i = 0; i < 60; i++) {
            fault = i % 5 == 0 ? (call, next) -> "/no/such/place" + failing() : null;
            try {
                router.plugin().getSubdir(storage, ContentType.IMAGES);
            } catch (IllegalStateException e) {
                // two of ten
            }
        }
        assertThat(router.routes().of(storage.id(), "status")).isEqualTo(Way.NEW);
        assertThat(ofOld).isEmpty();
    }

    private static String failing() {
        throw new IllegalStateException("broken");
    }

    @Test
    void aPluginThatHangsOrIsLateGoesBackBeforeItsCallsEnd()
            throws IOException, InterruptedException, ExecutionException {
        Router router = router(null, Way.NEW);
        router.change(new Bounds(2, 10, Duration.ofMillis(20)));
        CountDownLatch hang = new CountDownLatch(2);
        CountDownLatch goOn = new CountDownLatch(1);
        fault = (call, next) -> {
            hang.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return next.get();
        };
        try (ExecutorService callers = Executors.newFixedThreadPool(2)) {
            Supplier<String> call = () -> router.plugin().getSubdir(storage, ContentType.IMAGES);
            List<Future<String>> hanging = List.of(callers.submit(call::get), callers.submit(call::get));
            hang.await();
            clock.set(Duration.ofMillis(21).toNanos());
            assertThat(call.get()).endsWith("images");
            assertThat(router.routes().routes().getFirst().reason()).contains("has not ended within 20 ms");
            goOn.countDown();
            for (Future<String> one : hanging) {
                assertThat(one.get()).endsWith("images");
            }
        }
        assertThat(ofNew).hasSize(2);
        assertThat(ofOld).containsExactly("getSubdir");
    }

    @Test
    void badInputIsToldWithTheValue() {
        assertThatThrownBy(() -> new Bounds(0, 10, Duration.ofSeconds(1))).hasMessageContaining("0 bad calls of 10");
        assertThatThrownBy(() -> new Bounds(1, 10, Duration.ZERO)).hasMessageContaining("0 ms");
        assertThatThrownBy(() -> new Route(null, null, Way.NEW, "two\nlines", Instant.EPOCH, true))
                .hasMessageContaining("'two?lines'");
        assertThat(Way.of("sideways")).isEmpty();
    }
}
