package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Names that no volume may have are refused with one line that shows them, and nothing happens to any file. */
@TestInstance(Lifecycle.PER_CLASS)
class HostileNamesTest {
    private static final Vmid OWNER = new Vmid(100);
    private static final Vmid STRANGER = new Vmid(777);

    private final Scratch scratch;
    private final ScratchStorage images;
    private final PerlCaller perl;
    private final PerlCaller legacy;
    private final SidecarHost host;
    private final PerlStoragePlugin plugin;
    private final Storage storage;

    HostileNamesTest(Scratch scratch) throws IOException {
        this.scratch = scratch;
        images = ScratchStorage.create(scratch);
        Files.writeString(scratch.file("outside.raw"), "not of this storage\n");
        Files.writeString(images.path().resolve("outside.raw"), "not of its images\n");
        DaemonProcess.start(scratch, Installation.legacyDirPlugin());
        perl = PerlCaller.start(scratch);
        legacy = perl.calling("legacydir");
        host = SidecarHost.start(scratch, Installation.legacyDirPlugin());
        plugin = host.plugin();
        storage = host.storage();
    }

    /** What is hostile, a name of a volume, and how a message shows it. */
    static Stream<Arguments> volumes() {
        String longest = "x".repeat(300);
        return Stream.of(
                Arguments.of("a way up", "../../outside.raw", "'../../outside.raw'"),
                Arguments.of("a way up inside", "100/../../outside.raw", "'100/../../outside.raw'"),
                Arguments.of(
                        "a way to another guest",
                        "100/../9000/base-9000-disk-0.qcow2",
                        "'100/../9000/base-9000-disk-0"),
                Arguments.of("a way up in a clone", "9000/../100/vm-100-disk-0.raw", "'9000/../100/vm-100-disk-0.raw'"),
                Arguments.of("only a way up", "..", "'..'"),
                Arguments.of("an absolute path", "/etc/passwd", "'/etc/passwd'"),
                Arguments.of("a newline", "100/vm-100-disk-0\n.raw", "'100/vm-100-disk-0\\n.raw'"),
                Arguments.of("a second line", "100/vm-100-disk-0.raw\nrm -rf", "'100/vm-100-disk-0.raw\\nrm -rf'"),
                Arguments.of("an option", "-rf", "'-rf'"),
                Arguments.of("an option for a file", "100/-vm-100.raw", "'100/-vm-100.raw'"),
                Arguments.of("a long word", longest, "'xxxxxxxx"),
                Arguments.of("a long file name", "100/vm-100-" + longest + ".raw", "'100/vm-100-xxxxx"),
                Arguments.of("nothing", "", "''"),
                Arguments.of("a bell", "100/vm-100\u0007.raw", "'100/vm-100\\u0007.raw'"),
                Arguments.of("a colour", "100/vm-100\u001b[31m.raw", "'100/vm-100\\u001b[31m.raw'"),
                Arguments.of("a NUL", "100/vm-100-disk-0.raw\0.qcow2", "'100/vm-100-disk-0.raw\\u0000.qcow2'"),
                Arguments.of("a delete", "100/vm-100\u007f.raw", "'100/vm-100\\u007f.raw'"));
    }

    /** What is hostile, a name for a new image, and how a message shows it. */
    static Stream<Arguments> images() {
        String longest = "x".repeat(300);
        return Stream.of(
                Arguments.of("a way up", "../../outside-new.raw", "'../../outside-new.raw'"),
                Arguments.of("an absolute path", "/tmp/tenon-outside-new.raw", "'/tmp/tenon-outside-new.raw'"),
                Arguments.of("a newline", "vm-100-new\n.raw", "'vm-100-new\\n.raw'"),
                Arguments.of("a newline at the end", "vm-100-new.raw\n", "'vm-100-new.raw\\n'"),
                Arguments.of("an option", "-new.raw", "-new.raw'"),
                Arguments.of("a long word", "vm-100-" + longest + ".raw", "vm-100-xxxxx"),
                Arguments.of("nothing", "", "''"),
                Arguments.of("a bell", "vm-100\u0007.raw", "vm-100\\u0007.raw'"),
                Arguments.of("a colour", "vm-100\u001b[31m.raw", "vm-100\\u001b[31m.raw'"),
                Arguments.of("a NUL", "vm-100-new.raw\0.raw", "vm-100-new.raw\\u0000.raw'"));
    }

    /** Every file and directory of the scratch directory with its size and time, without logs and sockets. */
    private Map<String, String> files() {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(scratch.root())) {
            for (Path file : all.filter(Files::exists).toList()) {
                if (!file.startsWith(scratch.runtime()) && !file.toString().endsWith(".log")) {
                    boolean changesAnyway = file.equals(scratch.root()) || file.endsWith("journal");
                    files.put(
                            file.toString(),
                            changesAnyway ? "" : Files.size(file) + " at " + Files.getLastModifiedTime(file));
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return files;
    }

    private static void refused(PerlCaller.Answer answer, String shown) {
        assertThat(answer.died()).contains(shown).endsWith("\n");
        assertThat(answer.died().strip()).doesNotContainPattern("\\p{Cntrl}").hasSizeLessThan(400);
        assertThat(answer.errorClass()).isEmpty();
    }

    private static StorageException refused(Runnable call, String shown) {
        StorageException e = catchThrowableOfType(StorageException.class, call::run);
        assertThat(e).isNotNull();
        assertThat(e.error()).isEqualTo(StorageError.INVALID_NAME);
        assertThat(e.outcome()).isEqualTo(Outcome.NOT_STARTED);
        assertThat(e.getMessage())
                .contains(shown)
                .doesNotContainPattern("\\p{Cntrl}")
                .hasSizeLessThan(400);
        return e;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("volumes")
    void aVolumeOfAHostileNameIsRefusedToPerl(String hostile, String name, String shown) {
        Map<String, String> before = files();
        Map<String, Object> scfg = images.section("tenondir");
        for (PerlCaller caller : List.of(perl, legacy)) {
            refused(caller.list("parse_volname", name), shown);
            refused(caller.list("path", scfg, name, ID), shown);
            refused(caller.scalar("filesystem_path", scfg, name), shown);
            refused(caller.list("volume_size_info", scfg, ID, name), shown);
            refused(caller.scalar("activate_volume", ID, scfg, name, null, Map.of()), shown);
            refused(caller.scalar("free_image", ID, scfg, name, 0, null), shown);
            refused(caller.scalar("free_image", ID, scfg, name, 1, "raw"), shown);
        }
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("volumes")
    void aVolumeOfAHostileNameIsRefusedToJava(String hostile, String name, String shown) {
        Map<String, String> before = files();
        refused(() -> plugin.parseVolname(new VolumeName(name)), shown);
        refused(() -> plugin.path(storage, new VolumeName(name), null), shown);
        refused(() -> plugin.volumeSizeInfo(storage, new VolumeName(name), null), shown);
        refused(() -> plugin.freeImage(storage, new VolumeName(name), false, null), shown);
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("images")
    void anImageIsNotMadeUnderAHostileNameForPerl(String hostile, String name, String shown) {
        Map<String, String> before = files();
        Map<String, Object> scfg = images.section("tenondir");
        for (PerlCaller caller : List.of(perl, legacy)) {
            for (int owner : new int[] {100, 777}) {
                refused(caller.scalar("alloc_image", ID, scfg, owner, "raw", name, 64), shown);
            }
        }
        assertThat(files()).isEqualTo(before);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("images")
    void anImageIsNotMadeUnderAHostileNameForJava(String hostile, String name, String shown) {
        Map<String, String> before = files();
        for (Vmid owner : List.of(OWNER, STRANGER)) {
            refused(() -> plugin.allocImage(storage, owner, Format.Image.RAW, name, ByteSize.ofKib(64)), shown);
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void aNameThatThePluginDoesNotKnowIsRefusedInItsOwnWords() {
        Map<String, String> before = files();
        for (String name : List.of("nonsense", "100/disk with spaces.raw", "100/a/b.raw", "100/vm-100-disk-0.vmdk")) {
            for (Runnable call : List.<Runnable>of(
                    () -> plugin.parseVolname(new VolumeName(name)),
                    () -> plugin.path(storage, new VolumeName(name), null),
                    () -> plugin.volumeSizeInfo(storage, new VolumeName(name), null),
                    () -> plugin.freeImage(storage, new VolumeName(name), false, null))) {
                StorageException e = catchThrowableOfType(StorageException.class, call::run);
                assertThat(e).hasMessageContaining("unable to parse").hasMessageContaining(name.substring(4));
                assertThat(e.error()).isIn(StorageError.PLUGIN_DIED, StorageError.INVALID_NAME);
            }
            StorageException parsing =
                    catchThrowableOfType(StorageException.class, () -> plugin.parseVolname(new VolumeName(name)));
            assertThat(parsing.error()).isEqualTo(StorageError.INVALID_NAME);
            assertThat(parsing.outcome()).isEqualTo(Outcome.NOT_STARTED);
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void aSnapshotOfAHostileNameIsRefused() {
        Map<String, String> before = files();
        Map<String, Object> scfg = images.section("tenondir", "snapshot-as-volume-chain", "1");
        for (String name : List.of("../../../outside", "/etc/passwd", "a\nb", "-f", "")) {
            String shown = "'" + name.replace("\n", "\\n") + "'";
            refused(perl.scalar("path", scfg, ScratchStorage.QCOW2, ID, name), shown);
            refused(perl.scalar("activate_volume", ID, scfg, ScratchStorage.QCOW2, name, Map.of()), shown);
            refused(() -> plugin.path(storage, new VolumeName(ScratchStorage.QCOW2), new SnapshotName(name)), shown);
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void aStorageOfAHostileNameIsRefused() {
        Map<String, Object> scfg = images.section("tenondir");
        for (String name : List.of("../etc", "a", "na\ns", "-nas", "")) {
            refused(perl.scalar("status", name, scfg, Map.of()), "'" + name.replace("\n", "\\n") + "'");
        }
    }

    @Test
    void aStorageThatIsNotThereIsInactiveAndNothingIsMadeInIt() {
        Path gone = scratch.file("gone").resolve("store");
        Map<String, Object> scfg =
                images.section("tenondir", "path", gone.toString(), "create-base-path", 0, "create-subdirs", 0);
        assertThat(perl.list("status", ID, scfg, Map.of()).list()).isEqualTo(Arrays.asList(null, null, null, null));
        String reason = "directory '" + gone + "' does not exist or is unreachable\n";
        assertThat(perl.scalar("activate_storage", ID, scfg, Map.of()).died())
                .isEqualTo("unable to activate storage 'nas' - " + reason);
        String unable = "unable to allocate an image on storage 'nas' - " + reason;
        assertThat(perl.scalar("alloc_image", ID, scfg, 100, "raw", "vm-100-disk-0.raw", 64)
                        .died())
                .isEqualTo(unable);
        assertThat(perl.scalar("alloc_image", ID, scfg, 100, "raw", null, 64).died())
                .isEqualTo(unable);
        assertThat(perl.scalar("list_images", ID, scfg, null, null, Map.of()).died())
                .isEqualTo("unable to list the images of storage 'nas' in '" + gone
                        + "/images': No such file or directory\n");
        assertThat(perl.scalar("volume_size_info", scfg, ID, ScratchStorage.RAW).died())
                .isEqualTo("volume 'nas:100/vm-100-disk-0.raw' does not exist\n");
        assertThat(gone.getParent()).doesNotExist();
    }

    @Test
    void aStorageThatIsNotThereIsInactiveForAPerlPluginToo() {
        // a place where not even root can make a directory
        Path gone = Path.of("/proc/self/tenon-gone");
        assumeTrue(!Files.exists(gone));
        Storage missing = host.storage("path", gone.toString(), "create-base-path", "0", "create-subdirs", "0");
        assertThat(plugin.status(missing, OperationCache.create())).isEqualTo(new StorageStatus.Inactive());
        assertThat(plugin.listImages(missing, ImageFilter.all(), OperationCache.create()))
                .isEmpty();
        StorageException activate = catchThrowableOfType(
                StorageException.class, () -> plugin.activateStorage(missing, OperationCache.create()));
        assertThat(activate).hasMessageContaining("directory '" + gone + "' does not exist or is unreachable");
        StorageException alloc = catchThrowableOfType(
                StorageException.class,
                () -> plugin.allocImage(missing, OWNER, Format.Image.RAW, null, ByteSize.ofKib(64)));
        assertThat(alloc.error()).isEqualTo(StorageError.PLUGIN_DIED);
        assertThat(alloc)
                .hasMessageStartingWith("alloc_image of storage 'nas': ")
                .hasMessageContaining(gone.toString())
                .hasMessageContaining("No such file or directory");
    }
}
