package dev.tenon.core.decorator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is put around a storage that answers, refuses, or hangs. */
class DecoratorTest {
    private static final Storage NAS = Storage.of("nas", "moody", Map.of());
    private static final Storage OTHER = Storage.of("other", "moody", Map.of());
    private static final StorageStatus ACTIVE =
            new StorageStatus.Active(ByteSize.ofBytes(3), ByteSize.ofBytes(2), ByteSize.ofBytes(1));

    private enum Mood {
        ANSWERS,
        REFUSES,
        IS_LATE,
        CRASHES,
        CANNOT_BE_ASKED,
        HANGS
    }

    /** A directory storage whose status depends on its mood. */
    private final class Moody extends DirectoryPlugin {
        private volatile Mood mood = Mood.ANSWERS;

        @Override
        public String type() {
            return "moody";
        }

        @Override
        public boolean isShared() {
            return true;
        }

        private final AtomicInteger asked = new AtomicInteger();

        @Override
        public boolean checkConnection(Storage storage) {
            return isActive(storage);
        }

        @Override
        public void activateStorage(Storage storage, OperationCache cache) {
            isActive(storage);
        }

        @Override
        public StorageStatus status(Storage storage, OperationCache cache) {
            asked.incrementAndGet();
            return isActive(storage) ? ACTIVE : new StorageStatus.Inactive();
        }

        private boolean isActive(Storage storage) {
            return switch (storage.equals(OTHER) ? Mood.ANSWERS : mood) {
                case ANSWERS -> true;
                case REFUSES -> throw StorageException.refused(StorageError.BAD_CONFIG, "no path");
                case CRASHES -> throw new StorageException(StorageError.SIDECAR_FAILED, Outcome.UNKNOWN, "lost");
                case CANNOT_BE_ASKED ->
                    throw StorageException.refused(StorageError.SIDECAR_FAILED, "too many open files");
                case IS_LATE -> throw new StorageException(StorageError.DEADLINE_EXCEEDED, Outcome.UNKNOWN, "late");
                case HANGS -> {
                    try {
                        released.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, "interrupted", e);
                    }
                    yield true;
                }
            };
        }
    }

    private final CountDownLatch released = new CountDownLatch(1);
    private final Moody moody = new Moody();
    private final AtomicLong now = new AtomicLong();

    @AfterEach
    void release() {
        released.countDown();
    }

    private static StorageStatus status(StoragePlugin plugin, Storage storage) {
        return plugin.status(storage, OperationCache.create());
    }

    private void passes(Duration time) {
        now.addAndGet(time.toNanos());
    }

    @Test
    void aDecoratedStorageIsTheStorage() {
        StoragePlugin decorated = Decorator.decorate(
                moody,
                new StatusCache(StatusCache.Settings.USUAL),
                new CircuitBreaker(2, Duration.ofSeconds(10), now::get));

        assertThat(decorated.type()).isEqualTo("moody");
        assertThat(decorated.isShared()).isTrue();
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        moody.mood = Mood.REFUSES;
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> status(decorated, NAS))
                .withMessage("no path");
    }

    /** What {@link StoragePlugin} answers itself, if nobody else does, must not be answered without its storage. */
    @Test
    void everyMethodOfAStoragePluginIsACall() {
        Set<String> abilities = Set.of("imageFiles", "examinable", "isShared", "hostClass");

        assertThat(Arrays.stream(DelegatingPlugin.class.getDeclaredMethods())
                        .filter(method -> Modifier.isPublic(method.getModifiers()))
                        .map(Method::getName))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(StoragePlugin.class.getMethods())
                        .map(Method::getName)
                        .filter(name -> !abilities.contains(name))
                        .toList());
    }

    @Test
    void aCallSaysWhetherItChangesAnything() {
        Map<String, Call.Effect> effects = new TreeMap<>();
        StoragePlugin plugin = new DelegatingPlugin() {
            @Override
            @SuppressWarnings("NullAway") // nobody looks at the answer
            protected <T extends @Nullable Object> T make(Call<T> call) {
                effects.put(call.operation(), call.effect());
                return null;
            }
        };
        Arrays.stream(DelegatingPlugin.class.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()))
                .forEach(method -> makeWithoutArguments(method, plugin));

        assertThat(effects)
                .containsEntry("status", Call.Effect.READS)
                .containsEntry("findFreeDiskname", Call.Effect.READS)
                .containsEntry("activateVolume", Call.Effect.CHANGES)
                .containsEntry("exportVolume", Call.Effect.CHANGES);
        assertThat(effects.keySet())
                .filteredOn(name -> effects.get(name) == Call.Effect.READS)
                .hasSize(35);
        assertThat(Arrays.stream(StoragePlugin.class.getMethods())
                        .filter(method -> method.getReturnType() == void.class)
                        .map(Method::getName))
                .allMatch(name -> effects.get(name) == Call.Effect.CHANGES);
    }

    private static void makeWithoutArguments(Method method, StoragePlugin plugin) {
        Object[] arguments = Arrays.stream(method.getParameterTypes())
                .map(type -> type == boolean.class ? false : null)
                .toArray();
        try {
            method.invoke(plugin, arguments);
        } catch (ReflectiveOperationException e) {
            // a boolean that is null cannot be unwrapped, after the call
        }
    }

    @Test
    void aCallCanBeMadeOnAnotherPlugin() {
        Moody other = new Moody();
        List<Object> both = new ArrayList<>();
        StoragePlugin sideBySide = Decorator.decorate(moody, (call, next) -> {
            Object answer = next.get();
            both.add(call.operation());
            both.add(Objects.requireNonNull(call.on(other)).equals(answer));
            return answer;
        });

        assertThat(status(sideBySide, NAS)).isEqualTo(ACTIVE);
        assertThat(sideBySide.type()).isEqualTo("moody");

        assertThat(both).containsExactly("status", true, "type", true);
        assertThat(other.asked).hasValue(1);
    }

    @Test
    void aSilentStorageIsLeftAloneForAWhileThatGrows() {
        StoragePlugin decorated = Decorator.decorate(moody, new CircuitBreaker(2, Duration.ofSeconds(10), now::get));
        moody.mood = Mood.IS_LATE;
        isLate(decorated);
        isLate(decorated);
        assertThat(moody.asked).hasValue(2);

        isLeftAlone(decorated, "did not answer 2 times in a row and is asked again in 10 s; last: late");
        assertThat(moody.asked).hasValue(2);
        assertThat(status(decorated, OTHER)).isEqualTo(ACTIVE);

        passes(Duration.ofSeconds(11));
        isLate(decorated);
        isLeftAlone(decorated, "did not answer 3 times in a row and is asked again in 20 s");

        passes(Duration.ofSeconds(21));
        moody.mood = Mood.ANSWERS;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
    }

    @Test
    void aRefusalIsAnAnswer() {
        StoragePlugin decorated = Decorator.decorate(moody, new CircuitBreaker(1, Duration.ofSeconds(10), now::get));
        moody.mood = Mood.REFUSES;
        for (int i = 0; i < 5; i++) {
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> status(decorated, NAS))
                    .withMessage("no path");
        }
        assertThat(moody.asked).hasValue(5);
    }

    @Test
    void aCrashOfThePluginIsNoSilenceOfTheStorage() {
        StoragePlugin decorated = Decorator.decorate(moody, new CircuitBreaker(1, Duration.ofSeconds(10), now::get));
        moody.mood = Mood.CRASHES;
        for (int i = 0; i < 5; i++) {
            assertThatExceptionOfType(StorageException.class)
                    .isThrownBy(() -> status(decorated, NAS))
                    .withMessage("lost");
        }
        moody.mood = Mood.ANSWERS;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
    }

    @Test
    void whoAsksAStorageThatHangsOneThingAfterTheOtherWaitsForItOnce() {
        Duration patience = Duration.ofSeconds(2);
        StoragePlugin decorated = Decorator.decorate(
                moody, new StatusCache(new StatusCache.Settings(Duration.ZERO, patience, Duration.ofSeconds(60))));
        moody.mood = Mood.HANGS;
        long begun = System.nanoTime();
        assertThatExceptionOfType(StorageException.class).isThrownBy(() -> decorated.checkConnection(NAS));
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> decorated.activateStorage(NAS, OperationCache.create()));
        assertThat(status(decorated, NAS)).isEqualTo(new StorageStatus.Inactive());
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isBetween(patience, patience.multipliedBy(2));
    }

    @Test
    void theLastGoodStatusStandsForASilentStorageUntilItIsTooOld() {
        StoragePlugin decorated = Decorator.decorate(
                moody,
                new StatusCache(
                        new StatusCache.Settings(Duration.ZERO, Duration.ofMillis(500), Duration.ofSeconds(60)),
                        now::get));
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        moody.mood = Mood.HANGS;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        assertThat(moody.asked).hasValue(2);

        passes(Duration.ofSeconds(61));
        assertThat(status(decorated, NAS)).isEqualTo(new StorageStatus.Inactive());
        assertThat(status(decorated, OTHER)).isEqualTo(ACTIVE);
    }

    @Test
    void whoeverWantsToKnowLearnsWhichAnswersStandForASilentStorage() {
        Duration patience = Duration.ofMinutes(1);
        StoragePlugin decorated = Decorator.decorate(
                moody,
                new StatusCache(new StatusCache.Settings(Duration.ZERO, patience, Duration.ofSeconds(60)), now::get),
                new CircuitBreaker(1, Duration.ofSeconds(10), now::get));
        List<Supplier<Optional<Duration>>> silences = new ArrayList<>();
        Supplier<StorageStatus> noticing = () -> StatusCache.noticing(silences::add, () -> status(decorated, NAS));
        assertThat(noticing.get()).isEqualTo(ACTIVE);
        assertThat(silences).isEmpty();

        moody.mood = Mood.IS_LATE;
        assertThat(noticing.get()).isEqualTo(ACTIVE);
        passes(Duration.ofSeconds(9));
        // Left alone, it is as silent as before.
        assertThat(noticing.get()).isEqualTo(ACTIVE);
        assertThat(silences)
                .hasSize(2)
                .allSatisfy(silence -> assertThat(silence.get()).contains(Duration.ofSeconds(9)));

        passes(Duration.ofSeconds(2));
        moody.mood = Mood.ANSWERS;
        assertThat(noticing.get()).isEqualTo(ACTIVE);
        assertThat(silences)
                .hasSize(2)
                .allSatisfy(silence -> assertThat(silence.get()).isEmpty());
    }

    @Test
    void whatCouldNotBeAskedIsNotInactive() {
        StoragePlugin decorated = Decorator.decorate(moody, new StatusCache(StatusCache.Settings.USUAL, now::get));
        moody.mood = Mood.CANNOT_BE_ASKED;
        cannotBeAsked(decorated);
        moody.mood = Mood.ANSWERS;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        moody.mood = Mood.CANNOT_BE_ASKED;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        passes(StatusCache.Settings.USUAL.stale());
        cannotBeAsked(decorated);
    }

    private static void cannotBeAsked(StoragePlugin plugin) {
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> status(plugin, NAS))
                .withMessage("too many open files");
    }

    @Test
    void aStatusThatFailedForSilenceIsBridgedToo() {
        StoragePlugin decorated = Decorator.decorate(
                moody,
                new StatusCache(StatusCache.Settings.USUAL),
                new CircuitBreaker(1, Duration.ofSeconds(10), now::get));
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        moody.mood = Mood.IS_LATE;
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        assertThat(status(decorated, NAS)).isEqualTo(ACTIVE);
        assertThat(moody.asked).hasValue(2);
    }

    private static void isLate(StoragePlugin plugin) {
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> status(plugin, NAS))
                .withMessage("late");
    }

    private static void isLeftAlone(StoragePlugin plugin, String words) {
        assertThatExceptionOfType(StorageException.class)
                .isThrownBy(() -> status(plugin, NAS))
                .withMessageContaining(words)
                .satisfies(e -> assertThat(e.error()).isEqualTo(StorageError.STORAGE_UNAVAILABLE))
                .satisfies(e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED));
    }
}
