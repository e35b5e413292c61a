package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.OperationCache;
import dev.tenon.tck.backup.BackupKit;
import dev.tenon.tck.backup.BackupProviderContract;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
