package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeInfo;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A plugin that does what it should not, and returns what nobody asked for. After each the next call works. */
class TortureTest {
    private static final SizeInfo PLAIN =
            new SizeInfo(ByteSize.ofBytes(1024), Format.Image.RAW, ByteSize.ofBytes(512), null, 1767225600L);

    private SidecarHost host;
    private PerlStoragePlugin plugin;
    private Storage storage;
    private Path notes;
    private long pid;

    @BeforeEach
    void start(Scratch scratch) {
        host = SidecarHost.start(scratch, Installation.plugin("WildPlugin.pm"), this::change);
        plugin = host.plugin();
        notes = scratch.file("notes");
        storage = host.storage("notes", notes.toString());
        pid = host.process().pid();
    }

    /** How the plugin is hosted, otherwise than usual. */
    SidecarSettings change(SidecarSettings settings) {
        return settings;
    }

    private SizeInfo call(String habit) {
        return plugin.volumeSizeInfo(storage, new VolumeName(habit), null);
    }

    private void theNextCallWorksInTheSameProcess() {
        assertThat(call("plain")).isEqualTo(PLAIN);
        assertThat(host.process().pid()).isEqualTo(pid);
    }

    private void isABadResult(Runnable call, String words) {
        StorageException e = catchThrowableOfType(StorageException.class, call::run);
        assertThat(e).hasMessageContaining(words);
        assertThat(e.error()).isEqualTo(StorageError.BAD_RESULT);
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e.getMessage()).doesNotContain("\n");
        theNextCallWorksInTheSameProcess();
    }

    // ---- children

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"fd-system", "fd-run", "fd-exec"})
    void aCommandOfThePluginHasNoDescriptorOfTheBridge(String habit) {
        assertThat(call(habit).parent()).isEqualTo("found:");
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "child-exits, found: 3",
        "child-dies, found: 255",
        "child-returns, found: 0",
        "child-closes-all, found: 0"
    })
    void howeverAForkedChildEndsTheConnectionStays(String habit, String words) {
        assertThat(call(habit).parent()).isEqualTo(words);
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aCommandHasItsExitCodeThoughThePluginIgnoresItsChildren() {
        assumeThat(Installation.pveLibrary())
                .as("PVE's own cannot tell the code")
                .isNull();
        assertThat(call("ignored-children").parent()).isEqualTo("found: 3");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void anEndBlockRunsInThePluginAndInAChildThatLeavesWithExit() throws IOException {
        call("child-exits");
        assertThat(notes).content().isEqualTo("child\n");
        host.close();
        assertThat(notes).content().isEqualTo("child\nplugin\n");
    }

    // ---- the process

    @Test
    void standardInputIsEmptyForThePluginAndForItsCommands() {
        assertThat(call("stdin").parent()).isEqualTo("found: nothing end");
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"close-output", "own-output", "separators", "locale", "patch", "destructor"})
    void whatACallDoesToItsProcessLeavesTheBridgeAlone(String habit) {
        assertThat(call(habit).size()).isEqualTo(PLAIN.size());
        theNextCallWorksInTheSameProcess();
        assertThatThrownBy(() -> call("dies")).hasMessageEndingWith("the array said no");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aFileThatThePluginMadeItsOutputHoldsOnlyItsWords() throws IOException {
        call("own-output");
        theNextCallWorksInTheSameProcess();
        host.close();
        assertThat(notes).content().isEqualTo("into a file\n");
    }

    @Test
    void theNextCallFindsItsCommandsAfterTheEnvironmentWasEmptied() {
        call("no-environment");
        assertThat(call("environment").parent()).isEqualTo("found: path commands");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void handlersOfDeathsAndWarningsThatACallLeftDoNotReachTheNext() {
        call("handlers");
        assertThatThrownBy(() -> call("dies")).hasMessageEndingWith("the array said no");
        assertThat(call("warns")).isEqualTo(PLAIN);
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aLoopThatThePluginLeavesIsNotTheBridges() {
        assertThatThrownBy(() -> call("leaves-loop")).isInstanceOf(StorageException.class);
        assertThat(call("plain")).isEqualTo(PLAIN);
    }

    @Test
    void whatOnePluginPatchesIsWholeInAnother(Scratch scratch) {
        assertThat(call("patch").parent()).isEqualTo("found: patched");
        assertThat(call("patched").parent()).isEqualTo("found: patched");
        SidecarHost other = SidecarHost.start(scratch, Installation.plugin("WildPlugin.pm"));
        assertThat(other.plugin()
                        .volumeSizeInfo(storage, new VolumeName("patched"), null)
                        .parent())
                .isEqualTo("found: x");
    }

    // ---- what it is given

    @Test
    void everyCallHasASectionOfItsOwnAsInPve() {
        call("remember");
        assertThat(call("remembered").parent())
                .isEqualTo("found: none " + storage.config().properties().get("path"));
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aConnectionInTheSectionDoesNotKeepThePluginFromWhatItInherits() {
        assertThat(call("inherits").parent())
                .isEqualTo("found: " + storage.config().properties().get("path") + "/images Wild::Client");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void theConfigurationHasTheSectionOfTheCallInsideALockToo(Scratch scratch) {
        assumeThat(Installation.pveLibrary()).as("PVE's own reads storage.cfg").isNull();
        for (String token : List.of("t1", "t2")) {
            storage = host.storage("locks", scratch.file("locks").toString(), "token", token);
            assertThat(call("own-section").parent()).isEqualTo("found: " + token);
        }
    }

    // ---- shapes of sizes

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "size, 1024, , ",
        "texts, 1024, 512, 1767225600",
        "floats, 1000000000000, 5, 1767225600",
        "float-text, 1000000000000, 500, 1767225600",
        "dual, 1024, 512, ",
        "more, 1024, 512, 1767225600",
        "format-undef, 1024, 0, ",
        "bools, 1, 0, 1"
    })
    void numbersOfAnySortAreNumbers(String habit, long size, @Nullable Long used, @Nullable Long ctime) {
        SizeInfo info = call(habit);
        assertThat(info.size()).isEqualTo(ByteSize.ofBytes(size));
        assertThat(info.format()).isEqualTo(Format.Image.RAW);
        assertThat(info.used()).isEqualTo(used == null ? null : ByteSize.ofBytes(used));
        assertThat(info.ctime()).isEqualTo(ctime);
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"none", "undef"})
    void noSizeIsToldAsNone(String habit) {
        assertThat(call(habit).size()).isNull();
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "size-code | 'size' of the result",
                "size-handle | 'size' of the result",
                "size-text | 'much'",
                "size-negative | '-1'",
                "size-nan | 'nan'",
                "parent-hash | 'parent' of the result",
            })
    void whatIsNoSizeIsToldWithTheValue(String habit, String words) {
        isABadResult(() -> call(habit), words);
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"size-object", "format-binary", "parent-binary"})
    void whatCannotCrossFailsOnlyItsCall(String habit) {
        StorageException e = catchThrowableOfType(StorageException.class, () -> call(habit));
        assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(e.getMessage()).doesNotContain("\n");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aTextOfTwoMebibytesCrosses() {
        assertThat(call("parent-long").parent()).hasSize(2 << 20);
        theNextCallWorksInTheSameProcess();
    }

    // ---- shapes of a status

    private StorageStatus status(String shape) {
        return plugin.status(host.storage("shape", shape), OperationCache.create());
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"zeros", "none", "undef", "emptiness", "bool"})
    void aStatusThatIsNotActiveIsInactive(String shape) {
        assertThat(status(shape)).isInstanceOf(StorageStatus.Inactive.class);
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"texts", "floats", "truth", "zero-but-true"})
    void aStatusThatIsActiveHasWholeNumbers(String shape) {
        assertThat(status(shape))
                .isEqualTo(new StorageStatus.Active(
                        ByteSize.ofBytes(4096), ByteSize.ofBytes(3072), ByteSize.ofBytes(1024)));
    }

    @Test
    void anActiveStatusWithoutNumbersHasNoRoom() {
        ByteSize none = ByteSize.ofBytes(0);
        assertThat(status("no-numbers")).isEqualTo(new StorageStatus.Active(none, none, none));
    }

    // ---- shapes of lists

    private List<VolumeInfo> list(String shape) {
        return plugin.listImages(host.storage("shape", shape), ImageFilter.all(), OperationCache.create());
    }

    private static List<String> names(List<VolumeInfo> list) {
        return list.stream().map(image -> image.volid().volume().value()).toList();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"undef", "none", "empty"})
    void noListIsAnEmptyOne(String shape) {
        assertThat(list(shape)).isEmpty();
        theNextCallWorksInTheSameProcess();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "text | must be an array reference, got 'images'",
                "list | must be an array reference, got a reference to HASH",
            })
    void whatIsNoListIsToldWithTheValue(String shape, String words) {
        isABadResult(() -> list(shape), words);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"undef, ,", "zeros, 0, 0", "emptiness, 4096, 1024"})
    void aStatusThatIsNotActiveSaysWhatThePluginSays(String shape, @Nullable Long total, @Nullable Long used) {
        assertThat(status(shape)).isInstanceOfSatisfying(StorageStatus.Inactive.class, inactive -> {
            assertThat(inactive.total()).isEqualTo(total == null ? null : ByteSize.ofBytes(total));
            assertThat(inactive.used()).isEqualTo(used == null ? null : ByteSize.ofBytes(used));
        });
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"entry-text", "no-volid"})
    void anEntryThatIsNoneIsLeftOut(String shape) {
        assertThat(list(shape)).isEmpty();
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aSizeThatIsNoneIsLeftOutAndTheImageStays() {
        assertThat(list("cycle-size"))
                .singleElement()
                .satisfies(image -> assertThat(image.size()).isNull());
    }

    @Test
    void entriesOfAnySortAreImages() {
        List<VolumeInfo> list = list("entries");
        assertThat(names(list)).startsWith("vm-100-disk-0", "vm-100-disk-1").hasSize(3);
        assertThat(list).allSatisfy(image -> {
            assertThat(image.format()).isEqualTo(Format.Image.RAW);
            assertThat(image.owner()).isEqualTo(new Vmid(100));
        });
        assertThat(list)
                .extracting(VolumeInfo::size)
                .containsExactly(ByteSize.ofBytes(1024), ByteSize.ofBytes(2048), ByteSize.ofBytes(1));
        assertThat(list.getLast().other()).containsOnlyKeys("extra");
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"tied", "cycle"})
    void anEntryThatIsTiedOrHoldsItselfIsAnImage(String shape) {
        assertThat(names(list(shape))).containsExactly("vm-100-disk-0");
        theNextCallWorksInTheSameProcess();
    }

    @Test
    void aListOfObjectsIsAList() {
        assertThat(names(list("blessed"))).containsExactly("x");
    }

    @Test
    void aHundredThousandImagesAreListed() {
        List<VolumeInfo> list = list("many");
        assertThat(list).hasSize(100_000);
        assertThat(list.getLast().size()).isEqualTo(ByteSize.ofBytes(99_999));
        theNextCallWorksInTheSameProcess();
    }

    // ---- shapes of names and paths

    @ParameterizedTest(name = "{0}")
    @CsvSource({"eight, false", "base, true", "bool, true"})
    void aNameOfTooManyPartsOrOtherTruthIsTakenApart(String name, boolean isBase) {
        assertThat(plugin.parseVolname(new VolumeName(name)))
                .isInstanceOfSatisfying(ParsedVolume.GuestImage.class, image -> {
                    assertThat(image.owner()).isEqualTo(new Vmid(100));
                    assertThat(image.isBase()).isEqualTo(isBase);
                });
    }

    @Test
    void aNameOfTwoPartsIsTakenApartAndOneOfNoneIsNot() {
        assertThat(plugin.parseVolname(new VolumeName("two"))).isNotNull();
        isABadResult(() -> plugin.parseVolname(new VolumeName("none")), "parse_volname");
    }

    @Test
    void aPathMayBeNoFile() {
        assertThat(plugin.path(storage, new VolumeName("uri"), null).path()).isEqualTo("iscsi://10.0.0.1/uri");
        assertThat(plugin.path(storage, new VolumeName("alias"), null).path()).isEqualTo("iscsi://10.0.0.1/alias");
        assertThat(plugin.path(storage, new VolumeName("sda"), null).owner()).isEqualTo(new Vmid(100));
        theNextCallWorksInTheSameProcess();
    }

    // ---- work for later

    @Test
    void theWorkThatAFreeLeavesIsDoneOnceWhenItIsClaimed() {
        Cleanup cleanup = plugin.freeImage(storage, new VolumeName("vm-100-disk-0"), false, Format.Image.RAW)
                .orElseThrow();
        assertThat(notes).doesNotExist();
        theNextCallWorksInTheSameProcess();

        cleanup.run();

        assertThat(notes).content().isEqualTo("freed vm-100-disk-0\n");
        assertThatThrownBy(cleanup::run)
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("is not left: it was claimed before");
        assertThat(notes).content().isEqualTo("freed vm-100-disk-0\n");
        theNextCallWorksInTheSameProcess();
    }
}
