package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.BASE;
import static dev.tenon.it.support.ScratchStorage.BASE_BYTES;
import static dev.tenon.it.support.ScratchStorage.CLONE;
import static dev.tenon.it.support.ScratchStorage.ID;
import static dev.tenon.it.support.ScratchStorage.QCOW2;
import static dev.tenon.it.support.ScratchStorage.QCOW2_BYTES;
import static dev.tenon.it.support.ScratchStorage.RAW;
import static dev.tenon.it.support.ScratchStorage.RAW_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.list;
import static org.assertj.core.api.InstanceOfAssertFactories.map;

import dev.tenon.core.linux.FileSystemStatus;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.PerlCaller.Answer;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** A Perl program calls every method of a storage in Java, through the proxy class and a daemon. */
@TestInstance(Lifecycle.PER_CLASS)
class PerlCallsJavaTest {
    private final ScratchStorage storage;
    private final PerlCaller perl;
    private final Map<String, Object> scfg;

    PerlCallsJavaTest(Scratch scratch) {
        storage = ScratchStorage.create(scratch);
        scfg = storage.section("tenondir");
        DaemonProcess.start(scratch);
        perl = PerlCaller.start(scratch);
    }

    private Answer inList(String method, @Nullable Object... arguments) {
        return perl.list(method, arguments);
    }

    private Answer inScalar(String method, @Nullable Object... arguments) {
        return perl.scalar(method, arguments);
    }

    @Test
    void thePluginDescribesItself() {
        assertThat(inScalar("api").value()).isEqualTo(Installation.hostLevel());
        assertThat(inList("type").list()).isEqualTo(List.of("tenondir"));
        assertThat(inScalar("properties").value()).isEqualTo(Map.of());
        assertThat(inScalar("options").value())
                .asInstanceOf(map(String.class, Object.class))
                .containsEntry("path", Map.of("fixed", "1"));
        assertThat(inScalar("plugindata").value())
                .asInstanceOf(map(String.class, Object.class))
                .containsKeys("content", "format");
    }

    /** As the name says when it was made, which times on the wire cannot if that is before 1970. */
    @Test
    void aBackupOfAnyYearIsListedAndOnlyItsTimeIsMissingIfThatCannotCross(Scratch scratch) throws IOException {
        Path dump = Files.createDirectories(scratch.file("backups/dump"));
        Map<String, Object> section =
                Map.of("type", "tenondir", "path", scratch.file("backups").toString(), "content", Map.of("backup", 1));
        Map<String, @Nullable String> expected = new TreeMap<>();
        for (int year : new int[] {1, 1900, 1969, 1971, 2024, 2038, 2107, 3070, 9999}) {
            String name = "vzdump-qemu-100-%04d_01_02-03_04_05.vma".formatted(year);
            Files.writeString(dump.resolve(name), "x");
            long time = LocalDateTime.of(year, 1, 2, 3, 4, 5)
                    .atZone(ZoneId.systemDefault())
                    .toEpochSecond();
            expected.put("st:backup/" + name, time < 0 ? null : Long.toString(time));
        }

        Map<String, @Nullable String> listed = new TreeMap<>();
        List<?> volumes = (List<?>) Objects.requireNonNull(
                inScalar("list_volumes", "st", section, null, List.of("backup")).value());
        for (Object volume : volumes) {
            Map<?, ?> fields = (Map<?, ?>) volume;
            listed.put((String) fields.get("volid"), (String) fields.get("ctime"));
        }
        assertThat(listed).isEqualTo(expected);
    }

    @Test
    void aVolumeNameIsTakenApart() {
        assertThat(inList("parse_volname", RAW).list())
                .isEqualTo(Arrays.asList("images", "vm-100-disk-0.raw", "100", null, null, null, "raw"));
        assertThat(inList("parse_volname", CLONE).list())
                .isEqualTo(Arrays.asList(
                        "images", "vm-100-disk-2.qcow2", "100", "base-9000-disk-0.qcow2", "9000", null, "qcow2"));
        assertThat(inList("parse_volname", BASE).list())
                .isEqualTo(Arrays.asList("images", "base-9000-disk-0.qcow2", "9000", null, null, "base-", "qcow2"));
        assertThat(inScalar("parse_volname", RAW).value()).isEqualTo("raw");
    }

    @Test
    void aPathComesWithOwnerAndTypeInAListAndAloneInAScalar() {
        String file = storage.image(RAW).toString();
        assertThat(inList("path", scfg, RAW, ID).list()).isEqualTo(List.of(file, "100", "images"));
        assertThat(inScalar("path", scfg, RAW, ID).value()).isEqualTo(file);
        assertThat(inList("filesystem_path", scfg, RAW).list()).isEqualTo(List.of(file, "100", "images"));
        assertThat(inScalar("filesystem_path", scfg, RAW).value()).isEqualTo(file);
        assertThat(inScalar("filesystem_path", scfg, RAW, "before").died())
                .isEqualTo("can't snapshot this image format\n");
        assertThat(inScalar("path", scfg, QCOW2, ID, "before").value())
                .isEqualTo(storage.image(QCOW2).toString());
    }

    @Test
    void theFormatsOfAnImportAndAnExportAreTold() {
        assertThat(inList("volume_import_formats", scfg, ID, RAW, null, null, 0).list())
                .isEqualTo(List.of("raw+size"));
        assertThat(inList("volume_import_formats", scfg, ID, QCOW2, null, null, 1)
                        .list())
                .isEqualTo(List.of("qcow2+size"));
        assertThat(inList("volume_import_formats", scfg, ID, RAW, null, "base", 0)
                        .list())
                .isEqualTo(List.of());
        assertThat(inList("volume_export_formats", scfg, ID, RAW, null, null, 0).list())
                .isEqualTo(List.of("raw+size"));
    }

    @Test
    void contentHasItsDirectory() {
        assertThat(inScalar("get_subdir", scfg, "images").value()).isEqualTo(storage.path() + "/images");
        assertThat(inList("get_subdir", scfg, "iso").list()).isEqualTo(List.of(storage.path() + "/template/iso"));
    }

    @Test
    void imagesAreListedAllOrOfOneGuestOrByName() {
        assertThat(inScalar("list_images", ID, scfg, null, null, Map.of()).value())
                .asInstanceOf(list(Map.class))
                .extracting(image -> image.get("volid"))
                .contains(ID + ":" + RAW, ID + ":" + QCOW2, ID + ":" + BASE, ID + ":" + CLONE)
                .doesNotContain(ID + ":100/notes.txt");
        assertThat(inScalar("list_images", ID, scfg, 9000, null, Map.of()).value())
                .asInstanceOf(list(Map.class))
                .extracting(image -> image.get("volid"))
                .containsExactly(ID + ":" + BASE);
        Object one = Objects.requireNonNull(inList("list_images", ID, scfg, null, List.of(ID + ":" + RAW), Map.of())
                .list()
                .getFirst());
        assertThat(one).asInstanceOf(list(Map.class)).singleElement().satisfies(image -> {
            assertThat(image.get("size")).isEqualTo(Long.toString(RAW_BYTES));
            assertThat(image.get("format")).isEqualTo("raw");
            assertThat(image.get("vmid")).isEqualTo("100");
        });
    }

    @Test
    void aVolumeHasItsSizeFormatUseParentAndTime() {
        assertThat(inList("volume_size_info", scfg, ID, QCOW2, 5).list())
                .hasSize(5)
                .satisfies(info -> {
                    assertThat((Object) info.get(0)).isEqualTo(Long.toString(QCOW2_BYTES));
                    assertThat((Object) info.get(1)).isEqualTo("qcow2");
                    assertThat(Long.parseLong(String.valueOf(info.get(2)))).isPositive();
                    assertThat((Object) info.get(3)).isNull();
                    assertThat(Long.parseLong(String.valueOf(info.get(4)))).isGreaterThan(1_700_000_000);
                });
        assertThat(inScalar("volume_size_info", scfg, ID, RAW, 5).value()).isEqualTo(Long.toString(RAW_BYTES));
        assertThat(inList("volume_size_info", scfg, ID, CLONE).list())
                .element(0)
                .isEqualTo(Long.toString(BASE_BYTES));
        assertThat(inList("volume_size_info", scfg, ID, CLONE).list())
                .element(3)
                .isEqualTo("../9000/base-9000-disk-0.qcow2");
        assertThat(inScalar("volume_size_info", scfg, ID, "100/vm-100-disk-77.raw")
                        .died())
                .contains("100/vm-100-disk-77.raw")
                .endsWith("\n");
    }

    @Test
    void whatNeedsNoStorageIsAnsweredInAProgramWithoutPveToo() {
        for (String name : List.of("100/vm-100-disk-7.qcow2", "100/vm-100-disk-7.raw")) {
            assertThat(inList("volume_import_formats", scfg, ID, name, null, null, null)
                            .list())
                    .isEqualTo(List.of("raw+size"));
        }
        assertThat(inList("parse_volname", "100/vm-100-disk-7.raw").list().getFirst())
                .isEqualTo("images");
        assertThat(inScalar("get_formats", scfg, ID).value()).asString().contains("default=raw");
    }

    @Test
    void theStatusIsFourNumbersOrWhetherItIsActive() throws IOException {
        List<?> status = inList("status", ID, scfg, PerlCaller.cache("status")).list();
        assertThat(status).hasSize(4);
        assertThat((Object) status.get(0))
                .isEqualTo(Long.toString(FileSystemStatus.of(storage.path()).total()));
        assertThat((Object) status.get(3)).isEqualTo("1");
        assertThat(inScalar("status", ID, scfg, PerlCaller.cache("status")).value())
                .isEqualTo("1");
        Map<String, Object> gone = storage.section("tenondir", "path", "/nowhere/at/all");
        assertThat(inList("status", ID, gone, Map.of()).list()).isEqualTo(Arrays.asList(null, null, null, null));
    }

    @Test
    void aStorageIsActivatedAndDeactivated() {
        assertThat(inList("activate_storage", ID, scfg, Map.of()).list()).isEmpty();
        assertThat(inScalar("activate_storage", ID, scfg, Map.of()).value()).isNull();
        assertThat(perl.nothing("deactivate_storage", ID, scfg, Map.of()).value())
                .isNull();
        assertThat(inScalar("deactivate_storage", ID, scfg, Map.of()).value()).isNull();
        Map<String, Object> gone =
                storage.section("tenondir", "path", "/nowhere/at/all", "create-base-path", 0, "create-subdirs", 0);
        assertThat(inScalar("activate_storage", ID, gone, Map.of()).died())
                .isEqualTo("unable to activate storage '" + ID
                        + "' - directory '/nowhere/at/all' does not exist or is unreachable\n");
    }

    @Test
    void aVolumeIsActivatedAndDeactivatedIfItExists() {
        assertThat(inList("activate_volume", ID, scfg, RAW, null, Map.of()).list())
                .isEmpty();
        assertThat(inScalar("activate_volume", ID, scfg, CLONE, null, Map.of(), Map.of("guest-is-windows", 1))
                        .value())
                .isNull();
        assertThat(inScalar("deactivate_volume", ID, scfg, RAW, null, Map.of()).value())
                .isNull();
        assertThat(inScalar("activate_volume", ID, scfg, "100/vm-100-disk-77.raw", null, Map.of())
                        .died())
                .contains("100/vm-100-disk-77.raw");
    }

    @Test
    void anImageIsNamedAllocatedAndFreed() {
        assertThat(inScalar("find_free_diskname", ID, scfg, 101, "qcow2", 1).value())
                .isEqualTo("vm-101-disk-0.qcow2");
        assertThat(inList("find_free_diskname", ID, scfg, 101, "raw").list()).isEqualTo(List.of("vm-101-disk-0"));

        String made = String.valueOf(
                inScalar("alloc_image", ID, scfg, 101, "raw", null, 4096).value());
        assertThat(made).isEqualTo("101/vm-101-disk-0.raw");
        assertThat(storage.image(made)).hasSize(4 << 20);
        assertThat(inScalar("alloc_image", ID, scfg, 101, "raw", "vm-101-disk-0.raw", 4096)
                        .died())
                .isEqualTo("disk image '" + storage.image(made) + "' already exists\n");

        assertThat(inScalar("free_image", ID, scfg, made, 0, null).value()).isNull();
        assertThat(storage.image(made)).doesNotExist();
        assertThat(inList("alloc_image", ID, scfg, 101, "qcow2", "vm-101-state.qcow2", "1024.5")
                        .list())
                .isEqualTo(List.of("101/vm-101-state.qcow2"));
        assertThat(inList("free_image", ID, scfg, "101/vm-101-state.qcow2").list())
                .containsOnlyNulls();
        assertThat(inScalar("free_image", ID, scfg, "101/vm-101-state.qcow2").value())
                .isNull();
        Path directory = storage.image("101");
        assertThat(directory).doesNotExist();
    }

    @Test
    void tooManyArgumentsAreRefused() {
        assertThat(inScalar("status", ID, scfg, Map.of(), 1, 2).died())
                .isEqualTo("status: takes at most 3 parameters at API level 16, got 5\n");
        assertThat(inScalar("status", ID).died()).isEqualTo("status: the parameter 'scfg' is missing\n");
        assertThat(inScalar("alloc_image", ID, scfg, "a hundred", "raw", null, 1)
                        .died())
                .isEqualTo("alloc_image: the parameter 'vmid' must be an integer 0 .. 999999999, got 'a hundred'\n");
    }
}
