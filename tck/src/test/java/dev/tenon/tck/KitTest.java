package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.tck.backup.BackupKit;
import dev.tenon.tck.backup.BackupProviderContract;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;

/** The contract, checked by a program. */
class KitTest {
    private int storages;

    @TempDir
    Path scratch;

    private Subject subject(Abilities abilities) {
        storages++;
        return Directories.subject(scratch.resolve("storage-" + storages), Map.of(), abilities);
    }

    private static boolean isTest(Method method) {
        return method.isAnnotationPresent(Test.class) || method.isAnnotationPresent(ParameterizedTest.class);
    }

    @Test
    void everyTestSaysWhatItIsAboutAndWhatCallersDo() {
        List<Method> tests = tests(StoragePluginContract.class.getMethods());
        assertThat(tests).hasSizeGreaterThan(60).allSatisfy(KitTest::assertSaysAll);
        assertThat(Kit.checks())
                .containsExactlyInAnyOrderElementsOf(
                        tests.stream().map(Method::getName).toList());
    }

    @Test
    void everyTestOfABackupProviderDoes() {
        List<Method> tests = tests(BackupProviderContract.class.getDeclaredMethods());
        assertThat(tests).hasSizeGreaterThan(20).allSatisfy(KitTest::assertSaysAll);
        assertThat(BackupKit.checks())
                .containsExactlyInAnyOrderElementsOf(
                        tests.stream().map(Method::getName).toList());
        assertThat(Kit.checks()).doesNotContainAnyElementsOf(BackupKit.checks());
    }

    private static List<Method> tests(Method[] methods) {
        return Arrays.stream(methods).filter(KitTest::isTest).toList();
    }

    private static void assertSaysAll(Method test) {
        Check check = test.getAnnotation(Check.class);
        assertThat(check).as(test.getName()).isNotNull();
        assertThat(check.calls()).as(test.getName()).isNotEmpty().allMatch(call -> call.matches("[a-z_]+"));
        assertThat(check.otherwise()).as(test.getName()).endsWith(".").hasSizeGreaterThan(20);
        assertThat(test.getDeclaringClass().isAnnotationPresent(OfProfile.class))
                .as("profile of %s", test.getName())
                .isTrue();
    }

    @Test
    void whatATypeCanDoIsLearntFromIt() {
        Subject subject = subject(NONE);
        subject.plugin().activateStorage(subject.storage(), OperationCache.create());

        assertThat(Probe.abilities(subject)).isEqualTo(new DirContractTest().abilities());
        assertThat(new Images(subject).names()).isEmpty();
    }

    private static final Abilities NONE =
            new Abilities(Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), false, false, false);

    @Test
    void theChecksOfAProfileAreMadeEachOnAStorageOfItsOwn() {
        List<Checked> all = new ArrayList<>();

        Kit.check(EnumSet.of(Profile.CLONES), () -> subject(new DirContractTest().abilities()), all::add);

        assertThat(all).allSatisfy(checked -> {
            assertThat(checked.profile()).isEqualTo(Profile.CLONES);
            assertThat(checked.result()).as(checked.why()).isNotEqualTo(Checked.Result.FAILED);
        });
        assertThat(all)
                .extracting(Checked::title)
                .contains("What is no base is not cloned", "A volume becomes a base or that is refused (qcow2)");
        assertThat(storages).isEqualTo(all.size());
    }

    /** It may be the only one there is of the guest. */
    @Test
    void aBackupThatIsThereAlreadyIsLeftAlone() throws IOException {
        Subject subject = subject(new DirContractTest().abilities());
        subject.plugin().activateStorage(subject.storage(), OperationCache.create());
        // Listed before those of later guests.
        Path backup = dump(subject).resolve("vzdump-qemu-100-2026_01_02-03_04_05.vma.zst");
        Files.writeString(backup, "a backup");

        assertThat(Probe.abilities(subject).backupNotes()).isTrue();
        assertThatCode(contract(subject)::aBackupHasNotesAndAMarkThatKeepsItFromBeingRemoved)
                .doesNotThrowAnyException();

        try (Stream<Path> left = Files.list(dump(subject))) {
            assertThat(left).containsExactly(backup);
        }
    }

    /** The plugin says that it has freed what is protected, so that the check fails in the middle. */
    @Test
    void aCheckOfABackupThatFailsLeavesNone() throws IOException {
        Subject sound = subject(new DirContractTest().abilities());
        Subject faulty = Subject.ofFiles(
                Decorator.decorate(
                        sound.plugin(),
                        (call, next) -> call.operation().equals("freeImage") ? Optional.empty() : next.get()),
                sound.storage(),
                null,
                sound.outside(),
                sound.abilities());

        assertThatThrownBy(contract(faulty)::aBackupHasNotesAndAMarkThatKeepsItFromBeingRemoved)
                .isInstanceOf(AssertionError.class);

        assertThat(dump(faulty)).isEmptyDirectory();
    }

    private static NotesContract contract(Subject subject) {
        return new StoragePluginContract() {
            @Override
            public Subject subject() {
                return subject;
            }
        };
    }

    private static Path dump(Subject subject) throws IOException {
        return Files.createDirectories(Path.of(subject.plugin().getSubdir(subject.storage(), ContentType.BACKUP)));
    }

    /** Checks that would never end. */
    @OfProfile(Profile.STREAMS)
    static final class HangingContract {
        @Test
        @Check(calls = "status", otherwise = "Give it up after some time.")
        void aCallEnds() throws InterruptedException {
            new CountDownLatch(1).await();
        }

        @Test
        @Check(calls = "status", otherwise = "Give it up after some time.")
        void anotherCallEnds() throws InterruptedException {
            new CountDownLatch(1).await();
        }
    }

    @Test
    void aCheckThatHangsFailsAndTheNextIsMade() {
        List<String> begun = new ArrayList<>();
        List<Checked> all = new ArrayList<>();

        Kit.check(
                HangingContract.class,
                EnumSet.of(Profile.STREAMS),
                new Kit.Conduct(Duration.ofMillis(20), begun::add, all::add));

        assertThat(begun).containsExactlyInAnyOrder("A call ends", "Another call ends");
        assertThat(all).hasSize(2).allSatisfy(checked -> {
            assertThat(checked.result()).isEqualTo(Checked.Result.FAILED);
            assertThat(checked.why())
                    .isEqualTo("it had not ended after 20 ms, so it was given up: a call of the plugin hangs");
        });
    }

    /** Says that it keeps no images, and makes them all the same, which it does not list. */
    private Subject withoutImages() {
        Subject honest = subject(NONE);
        StoragePlugin plugin = Decorator.decorate(honest.plugin(), (call, next) -> switch (call.operation()) {
            case "pluginData" -> {
                PluginData data = (PluginData) next.get();
                yield new PluginData(
                        Set.of("backup"),
                        Set.of("backup"),
                        data.formats(),
                        data.defaultFormat(),
                        data.sensitiveProperties(),
                        data.features(),
                        data.selectExisting(),
                        data.other());
            }
            case "listImages" -> List.of();
            default -> next.get();
        });
        return Subject.ofFiles(plugin, honest.storage(), null, honest.outside(), NONE);
    }

    /** A class of checks with one of its own. */
    @OfProfile(Profile.BLOCKS)
    static final class OwnContract extends StoragePluginContract {
        static final ScopedValue<Subject> SUBJECT = ScopedValue.newInstance();
        private final Subject subject = SUBJECT.get();

        @Override
        public Subject subject() {
            return subject;
        }

        @Test
        @Check(calls = "status", otherwise = "Do without it.")
        void itsOwn() {
            assertThat(subject.plugin().status(subject.storage(), OperationCache.create()))
                    .isNotNull();
        }
    }

    @Test
    void aClassHasItsOwnTestsMadeOfAPluginWithoutImages() {
        List<Checked> all = new ArrayList<>();

        ScopedValue.where(OwnContract.SUBJECT, withoutImages())
                .run(() -> Kit.check(OwnContract.class, EnumSet.of(Profile.BLOCKS), all::add));

        assertThat(all)
                .filteredOn(checked -> checked.result() != Checked.Result.NOT_SUPPORTED)
                .extracting(Checked::check, Checked::result)
                .containsExactly(tuple("itsOwn", Checked.Result.PASSED));
        assertThat(all).hasSizeGreaterThan(3);
    }

    @Test
    void anImageThatShouldHaveBeenRefusedIsFreed() throws IOException {
        List<Checked> all = new ArrayList<>();

        Kit.check(EnumSet.of(Profile.CORE), this::withoutImages, all::add);

        assertThat(all)
                .filteredOn(checked -> checked.check().equals("imagesAreTakenIfThePluginSaysSoAndRefusedOtherwise"))
                .extracting(Checked::result)
                .containsExactly(Checked.Result.FAILED);
        try (Stream<Path> files = Files.walk(scratch)) {
            assertThat(files.filter(file -> file.toString().endsWith(".raw"))).isEmpty();
        }
    }

    @Test
    void whatFailsAndWhatIsLackingIsToldWithItsReason() {
        List<Checked> all = new ArrayList<>();
        Abilities wrong =
                new Abilities(NONE.formats(), Set.of(), Set.of(), Set.of(), Set.of(), Set.of(), false, false, true);

        Kit.check(EnumSet.of(Profile.BLOCKS), () -> subject(wrong), all::add);

        assertThat(all).extracting(Checked::result).containsOnly(Checked.Result.NOT_SUPPORTED);
        assertThat(all).extracting(Checked::why).contains("the plugin makes no images of format 'raw'");

        all.clear();
        Kit.check(EnumSet.of(Profile.CORE), () -> subject(wrong), all::add);
        assertThat(all)
                .filteredOn(checked -> checked.result() == Checked.Result.FAILED)
                .extracting(Checked::check)
                .contains(
                        "aNewVolumeIsListedAndAsLargeAsAskedOrItsFormatIsRefused",
                        "theFormatsOfTheStorageAreThoseItIsSaidToTake");
    }
}
