package dev.tenon.core.config;

import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a {@code storage.cfg} is read as. */
class StorageConfigsTest {
    @TempDir
    Path directory;

    private final ShelfPlugin shelf = new ShelfPlugin();

    private StorageConfigs read(String text) throws Exception {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    private StorageConfigs read(byte[] bytes) throws Exception {
        Path file = directory.resolve("storage.cfg");
        Files.write(file, bytes);
        return new ConfigStore(file, Map.of("dir", new DirPlugin(), "shelf", shelf), new OwnLock()).current();
    }

    private static StorageId id(String id) {
        return new StorageId(id);
    }

    private static Map<String, Object> properties(StorageConfigs configs, String id) {
        return configs.get(id(id)).config().properties();
    }

    /** The shelf {@code s1} with these further lines; reading it gives no other storage. */
    private StorageConfigs shelf(String... lines) throws Exception {
        return read("shelf: s1\n\troom hall\n\twood oak\n"
                + List.of(lines).stream().map(line -> "\t" + line + "\n").collect(Collectors.joining()));
    }

    @Test
    void theStoragesAreInTheOrderOfTheFile() throws Exception {
        StorageConfigs configs = read("""
                dir: zz
                \tpath /zz

                dir: local
                \tpath /var/lib/vz
                \tcontent iso

                shelf: aa
                \troom hall
                \twood oak
                """);
        assertThat(configs.problems()).isEmpty();
        assertThat(configs.all()).extracting(storage -> storage.id().value()).containsExactly("zz", "local", "aa");
        assertThat(configs.get(id("aa")).config())
                .isEqualTo(new StorageConfig(
                        "shelf", Map.of("room", "hall", "wood", "oak", "content", Map.of("images", "1"))));
    }

    @Test
    void propertiesAreDecodedAsPveDecodesThem() throws Exception {
        assertThat(properties(
                        shelf(
                                "content images;rootdir ,",
                                "nodes b a,c",
                                "disable",
                                "shared 0",
                                "boards +007",
                                "height 1.50",
                                "label one",
                                "label two",
                                "content-dirs images=a/b,rootdir=c",
                                "max-protected-backups -1",
                                "prune-backups keep-last=3,keep-all=no",
                                "limits 7,open=yes",
                                "type shelf"),
                        "s1"))
                .containsEntry("content", Map.of("images", "1", "rootdir", "1"))
                .containsEntry("nodes", Map.of("a", "1", "b", "1", "c", "1"))
                .containsEntry("disable", "1")
                .containsEntry("shared", "0")
                .containsEntry("boards", "7")
                .containsEntry("height", "1.5")
                .containsEntry("label", List.of("one", "two"))
                .containsEntry("content-dirs", Map.of("images", "a/b", "rootdir", "c"))
                .containsEntry("max-protected-backups", "-1")
                .containsEntry("prune-backups", "keep-last=3,keep-all=no")
                .containsEntry("limits", "7,open=yes")
                .doesNotContainKey("type");
    }

    @Test
    void thereIsAlwaysALocalStorage() throws Exception {
        Map<String, Object> local = properties(read(""), "local");
        assertThat(local)
                .containsEntry("path", "/var/lib/vz")
                .containsEntry("prune-backups", "keep-all=1")
                .containsEntry("priority", "0");
        assertThat(read("").get(id("local")).config().words("content"))
                .containsExactly("backup", "images", "iso", "rootdir", "snippets", "vztmpl");
        assertThat(read("dir: aa\n\tpath /aa\n").all())
                .extracting(storage -> storage.id().value())
                .containsExactly("local", "aa");
    }

    @Test
    void aLocalStorageOfAnotherKindDoesNotCount() throws Exception {
        for (String section : new String[] {
            "dir: local\n\tpath /elsewhere\n", "shelf: local\n\troom hall\n\twood oak\n", "zfspool: local\n\tpool a\n"
        }) {
            StorageConfigs configs = read(section);
            assertThat(properties(configs, "local")).containsEntry("path", "/var/lib/vz");
            assertThat(configs.problems()).singleElement().satisfies(problem -> {
                assertThat(problem.line()).isEqualTo(1);
                assertThat(problem.isError()).isFalse();
            });
        }
    }

    @Test
    void theLocalStorageIsOnAllNodes() throws Exception {
        StorageConfigs configs = read("dir: local\n\tpath //var/lib/./vz/\n\tnodes a\n\tcontent iso\n");
        assertThat(properties(configs, "local"))
                .isEqualTo(Map.of("path", "/var/lib/vz", "content", Map.of("iso", "1")));
    }

    @Test
    void sectionsOfUnknownTypesAreLeftOutAndAreNoError() throws Exception {
        StorageConfigs configs = read("zfspool: tank\n\tpool tank\nwhatever\n\ndir: aa\n\tpath /aa\n");
        assertThat(configs.all()).extracting(Storage::id).containsExactly(id("local"), id("aa"));
        assertThat(configs.problems())
                .containsExactly(new Problem(
                        1, "storage 'tank' has the unsupported type 'zfspool', known types are dir, shelf", false));
        isRefused(
                () -> configs.get(id("tank")),
                StorageError.NOT_SUPPORTED,
                "storage 'tank' has the unsupported type 'zfspool', known types are dir, shelf");
        isRefused(() -> configs.get(id("nothing")), StorageError.NOT_FOUND, "storage 'nothing' does not exist");
    }

    @Test
    void theLastOfSeveralSectionsOfAnIdCounts() throws Exception {
        StorageConfigs configs = read("dir: aa\n\tpath /1\n\ndir: bb\n\tpath /2\n\ndir: aa\n\tpath /3\n");
        assertThat(properties(configs, "aa")).containsEntry("path", "/3");
        assertThat(configs.all()).extracting(Storage::id).containsExactly(id("local"), id("bb"), id("aa"));
        assertThat(configs.problems())
                .containsExactly(
                        new Problem(7, "storage 'aa' stands in the file more than once, the last counts", false));
    }

    @Test
    void whatTheTypeDoesNotHaveIsLeftOut() throws Exception {
        StorageConfigs configs = shelf(
                "content images,iso", "format vmdk", "content-dirs iso=x,images=y", "unheard of", "preallocation off");
        assertThat(properties(configs, "s1"))
                .containsEntry("content", Map.of("images", "1"))
                .containsEntry("content-dirs", Map.of("images", "y"))
                .containsEntry("preallocation", "off")
                .doesNotContainKeys("format", "unheard");
        assertThat(configs.problems())
                .containsExactly(
                        new Problem(
                                4,
                                "storage 's1': property 'content': storage does not support content type 'iso'",
                                false),
                        new Problem(
                                5, "storage 's1': property 'format': storage does not support format 'vmdk'", false),
                        new Problem(
                                6,
                                "storage 's1': property 'content-dirs': storage does not support content type 'iso'",
                                false),
                        new Problem(7, "storage 's1': unexpected property 'unheard'", false));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    shared yes            | type check ('boolean') failed - got 'yes'
                    boards 1.0            | type check ('integer') failed - got '1.0'
                    boards 0              | value must have a minimum value of 1, not 0
                    height high           | type check ('number') failed - got 'high'
                    height 0.4            | value must have a minimum value of 0.5, not 0.4
                    height 4.1e0          | value must have a maximum value of 4, not 4.1
                    port 65536            | value must have a maximum value of 65535, not 65536
                    room Hall             | duplicate attribute
                    label ten-letters     | value may only be 9 characters long
                    format tiff           | value 'tiff' does not have a value in the enumeration 'raw, qcow2, subvol, vmdk'
                    content films         | invalid format - invalid content type 'films'
                    nodes a,b_c           | invalid format - value does not look like a valid node name: 'b_c'
                    nodes                 | got undefined value
                    base iscsi            | invalid format - unable to parse volume ID 'iscsi'
                    content-dirs iso=../x | invalid format - invalid override 'iso=../x'
                    content-dirs iso=x.   | invalid format - invalid override 'iso=x.'
                    prune-backups keep=1  | invalid format - invalid key in comma-separated list property: 'keep'
                    prune-backups keep-all=1,keep-last=2 | keep-all cannot be set together with other options
                    prune-backups keep-last=-1           | value must have a minimum value of 0, not -1
                    prune-backups =1                     | missing key in comma-separated list property: '=1'
                    limits open=1         | weight: property is missing and it is not optional
                    limits 1,weight=2     | duplicate key in comma-separated list property: 'weight'
                    limits 1,open=maybe   | type check ('boolean') failed - got 'maybe'
                    fingerprint aa:bb     | value 'aa:bb' does not match the regex pattern
                    server a_b            | value does not look like a valid server name or IP address: 'a_b'
                    portal a:b            | value does not look like a valid portal address: 'a:b'
                    monhost a,[::1        | value does not look like a valid portal address: '[::1'
                    options a b           | invalid options 'a b'
                    vgname -a             | lvm name contains illegal characters: '-a'
                    blocksize 3k          | a ZFS blocksize is a power of 2 from 512 to 16m, not '3k'
                    """)
    void aValueThatBreaksARuleIsLeftOutAndKeepsTheRest(String line, String complaint) throws Exception {
        StorageConfigs configs = shelf("disable", line);
        String name = line.split(" ", -1)[0];
        assertThat(configs.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.line()).isEqualTo(5);
            assertThat(problem.isError()).isTrue();
            assertThat(problem.text())
                    .startsWith("storage 's1': property '" + name + "': ")
                    .contains(complaint)
                    .doesNotContain("\n");
        });
        assertThat(properties(configs, "s1")).containsEntry("disable", "1").containsEntry("room", "hall");
        if (!name.equals("room")) {
            assertThat(properties(configs, "s1").getOrDefault(name, "default")).isIn("default", Map.of("images", "1"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "server 10.0.0.1",
                "server ::1",
                "server fe80::1:2",
                "server 1:2:3:4:5:6:7:8",
                "server ::ffff:10.0.0.1",
                "server nas.example",
                "portal 10.0.0.1:3260",
                "portal [fe80::1]:3260",
                "portal nas.example",
                "portal fe80::1",
                "monhost 10.0.0.1 10.0.0.2;[::1]:6789",
                "options vers=4.2,soft",
                "base iscsi:0.0.1.lun",
                "blocksize 16k",
                "content-dirs iso=a.b/.c",
                "limits weight=1",
                "height .5",
                "strange anything goes",
                "fingerprint 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
            })
    void aValueThatKeepsTheRulesIsTaken(String line) throws Exception {
        StorageConfigs configs = shelf(line);
        assertThat(configs.problems().stream().filter(Problem::isError)).isEmpty();
        assertThat(properties(configs, "s1")).containsKey(line.split(" ", -1)[0]);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    dir: x                 | storage ID 'x' cannot be shorter than 2 characters
                    dir: 1x                | storage ID '1x' contains illegal characters
                    dir: xx                | storage 'xx' is left out: missing value for required option 'path'
                    nonsense               | ignore config line: 'nonsense'
                    """)
    void aSectionThatCannotBeUsedIsLeftOut(String line, String complaint) throws Exception {
        StorageConfigs configs = read("dir: aa\n\tpath /aa\n\n" + line + "\n\tshared 1\n\ndir: bb\n\tpath /bb\n");
        assertThat(configs.problems().getFirst()).isEqualTo(new Problem(4, complaint, true));
        assertThat(configs.all()).extracting(Storage::id).containsExactly(id("local"), id("aa"), id("bb"));
    }

    @Test
    void aStorageWithAFaultSaysWhichWhenItIsAskedFor() throws Exception {
        StorageConfigs configs = read("\ndir: xx\n\tshared 1\n\ndir: yy\n\tpath /with blank\n");
        isRefused(
                () -> configs.get(id("xx")),
                StorageError.BAD_CONFIG,
                "line 2 of storage.cfg: storage 'xx' is left out: missing value for required option 'path'");
        isRefused(
                () -> configs.get(id("yy")),
                StorageError.BAD_CONFIG,
                "line 5 of storage.cfg: storage 'yy' is left out: illegal path for directory storage: '/with blank'");
    }

    @Test
    void contentThatCannotBeCombinedMakesTheSectionUnusable() throws Exception {
        StorageConfigs configs = read("dir: aa\n\tpath /aa\n\tcontent none,iso\n");
        assertThat(configs.problems())
                .containsExactly(new Problem(
                        1,
                        "storage 'aa' is left out: unable to combine 'none' with other content types: 'none,iso'",
                        true));
        assertThat(shelf("content none").problems())
                .contains(
                        new Problem(1, "storage 's1' is left out: storage does not support content type 'none'", true));
    }

    @Test
    void aSecretThatDoesNotKeepItsRuleIsNotShown() throws Exception {
        assertThat(shelf("key 123456789").problems())
                .containsExactly(new Problem(
                        4, "storage 's1': property 'key': the value, which is not shown, is not allowed", true));
    }

    @Test
    void textThatIsNotUtf8IsLeftOut() throws Exception {
        byte[] bytes = "dir: aa\n\tpath /aa\n\tis_mountpoint /\u00ff\n".getBytes(StandardCharsets.ISO_8859_1);
        StorageConfigs configs = read(bytes);
        assertThat(configs.problems())
                .containsExactly(new Problem(3, "storage 'aa': property 'is_mountpoint' is not valid UTF-8", true));
        assertThat(properties(configs, "aa")).doesNotContainKey("is_mountpoint");
        assertThat(properties(read("dir: aa\n\tpath /aa\n\tis_mountpoint /größe\n"), "aa"))
                .containsEntry("is_mountpoint", "/größe");
    }

    @Test
    void thePluginHasTheLastWordOnASection() throws Exception {
        shelf.atChecking = Optional.of(ShelfPlugin.failure(StorageError.PLUGIN_DIED, "the wall is\ntoo weak\n"));
        assertThat(shelf().problems())
                .containsExactly(new Problem(1, "storage 's1' is left out: the wall is too weak", true));
    }

    @Test
    void theDigestIsTheSha1OfTheFile() throws Exception {
        assertThat(read("").digest()).isEqualTo("da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assertThat(read("abc").digest()).isEqualTo("a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
