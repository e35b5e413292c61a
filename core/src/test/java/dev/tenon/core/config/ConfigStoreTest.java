package dev.tenon.core.config;

import static dev.tenon.core.testing.Failing.fails;
import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Reading again, adding, changing and removing, on real files. The file is long because all of them share one store and its
 * plugins.
 */
class ConfigStoreTest {
    private static final String TEXT = """
            # all of them
            dir: aa
            # by hand
            \tpath /aa
                nodes  n2,n1

            zfspool: tank
            \tpool tank
            \tstrange words

            shelf: s1
            \troom hall
            \twood oak
            \tcontent images
            \tboards 3
            """;

    private static final StorageId S1 = new StorageId("s1");
    private static final StorageId NEW = new StorageId("new");

    @TempDir
    Path directory;

    private final ShelfPlugin shelf = new ShelfPlugin();
    private final OwnLock lock = new OwnLock();
    private Path file;
    private ConfigStore store;

    @BeforeEach
    void writeTheFile() {
        file = directory.resolve("storage.cfg");
        write(TEXT);
        store = new ConfigStore(file, Map.of("dir", new DirPlugin(), "shelf", shelf), lock);
    }

    @AfterEach
    void nothingIsLeftBeside() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .isSubsetOf("storage.cfg", "real.cfg", "was.cfg");
        }
    }

    private void write(String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String text() {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(StorageId id, String type, Map<String, String> given) {
        store.add(id, type, given, storage -> {});
    }

    private Map<String, Object> properties(StorageId id) {
        return store.current().get(id).config().properties();
    }

    // ---- reading

    @Test
    void theSnapshotStaysWhileTheFileDoes() throws Exception {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        StorageConfigs first = store.current();
        int checks = shelf.checks;
        assertThat(store.current()).isSameAs(first);
        assertThat(shelf.checks).isEqualTo(checks).isPositive();
    }

    @Test
    void aChangeBySomebodyElseIsSeenAtOnceEvenIfSizeAndTimeStayAsTheyWere() throws Exception {
        FileTime time = FileTime.from(Instant.now());
        Files.setLastModifiedTime(file, time);
        StorageConfigs before = store.current();
        write(TEXT.replace("boards 3", "boards 4"));
        Files.setLastModifiedTime(file, time);
        assertThat(properties(S1)).containsEntry("boards", "4");
        assertThat(before.get(S1).config().properties()).containsEntry("boards", "3");

        Path other = directory.resolve("was.cfg");
        Files.writeString(other, TEXT.replace("boards 3", "boards 5"));
        Files.setLastModifiedTime(other, FileTime.from(Instant.now().minusSeconds(99)));
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
        assertThat(properties(S1)).containsEntry("boards", "5");
    }

    @Test
    void theSameTextAgainIsNotReadAgain() throws Exception {
        StorageConfigs first = store.current();
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
        assertThat(store.current()).isSameAs(first);
    }

    @Test
    void aMissingFileIsAnEmptyConfigurationUntilItIsThere() throws Exception {
        Files.delete(file);
        assertThat(store.current().all())
                .extracting(storage -> storage.id().value())
                .containsExactly("local");
        assertThat(store.current().digest()).isEqualTo("da39a3ee5e6b4b0d3255bfef95601890afd80709");
        write(TEXT);
        assertThat(store.current().all()).hasSize(3);
    }

    @Test
    void aFileThatCannotBeReadIsNamed() throws Exception {
        Files.delete(file);
        Files.createDirectory(file);
        isRefused(store::current, StorageError.STORAGE_UNAVAILABLE, "unable to read '" + file + "': Is a directory");
        isRefused(() -> store.remove(S1), StorageError.STORAGE_UNAVAILABLE, "unable to read '" + file + "'");
    }

    @Test
    void aCheckThatCouldNotBeMadeIsMadeAgain() {
        shelf.atChecking = Optional.of(ShelfPlugin.failure(StorageError.SIDECAR_FAILED, "the process did not start"));
        isRefused(() -> store.current().get(S1), StorageError.SIDECAR_FAILED, "the process did not start");
        add(NEW, "dir", Map.of("path", "/new"));
        shelf.atChecking = Optional.empty();
        assertThat(properties(S1)).containsEntry("boards", "3");
    }

    @Test
    void aTypeMustBeThatOfItsPlugin() {
        assertThatThrownBy(() -> new ConfigStore(file, Map.of("case", shelf), lock))
                .hasMessage("the plugin of type 'case' calls itself 'shelf'");
    }

    // ---- adding

    @Test
    void aNewStorageIsWrittenAtTheEndAsPveWritesIt() {
        List<Storage> tried = new ArrayList<>();
        Map<String, Object> answer = store.add(
                NEW,
                "shelf",
                Map.of(
                        "wood", "ash",
                        "room", " hall ",
                        "shared", "0",
                        "nodes", "b;a",
                        "disable", "1",
                        "content", "rootdir images",
                        "content-dirs", "rootdir=r,images=i",
                        "boards", "+05",
                        "label", "one\0two",
                        "options", "soft"),
                storage -> {
                    assertThat(lock.isHeld()).isTrue();
                    assertThat(text()).isEqualTo(TEXT);
                    tried.add(storage);
                });
        assertThat(answer).isEqualTo(Map.of("number", "7"));
        assertThat(text()).isEqualTo(TEXT + """

                        shelf: new
                        \tdisable
                        \troom hall
                        \twood ash
                        \tboards 5
                        \tcontent images,rootdir
                        \tcontent-dirs images=i,rootdir=r
                        \tlabel one
                        \tlabel two
                        \tnodes a,b
                        \toptions soft
                        \tshared 0

                        """);
        assertThat(tried).containsExactly(store.current().get(NEW));
    }

    @Test
    void whatTheHookMakesOfItIsWritten() {
        shelf.adds.put("limits", "weight=9");
        shelf.adds.put("boards", "8");
        shelf.adds.put("unknown", "x");
        add(NEW, "shelf", Map.of("room", "hall", "wood", "oak", "boards", "2"));
        assertThat(properties(NEW)).containsEntry("limits", "weight=9").containsEntry("boards", "8");
        assertThat(text()).doesNotContain("unknown");
    }

    @Test
    void thePathOfADirectoryIsWrittenWithoutDetours() {
        add(NEW, "dir", Map.of("path", "/srv//new/./x/"));
        assertThat(text()).endsWith("\ndir: new\n\tpath /srv/new/x\n\n");
    }

    @Test
    void secretsGoToThePluginAndNotIntoTheFile() {
        add(NEW, "shelf", Map.of("room", "hall", "wood", "oak", "password", "top\nsecret"));
        assertThat(shelf.passwords).containsEntry(NEW, "top\nsecret");
        assertThat(text()).doesNotContain("secret").doesNotContain("password");
        assertThat(shelf.told).noneMatch(told -> told.contains("secret"));

        shelf.adds.put("key", "a mark");
        store.set(NEW, Map.of("key", "other"), Set.of(), null);
        assertThat(shelf.passwords).containsEntry(NEW, "other");
        assertThat(text()).contains("\tkey a mark\n").doesNotContain("other");

        shelf.adds.clear();
        store.set(NEW, Map.of("boards", "2"), Set.of("key"), null);
        assertThat(shelf.told.getLast()).isEqualTo("update new {boards=2} [] [key]");
        assertThat(shelf.passwords).doesNotContainKey(NEW);
        assertThat(text()).doesNotContain("key");
    }

    @Test
    void aHookThatWantsASecretInTheFileIsRefused() {
        shelf.adds.put("password", "topsecret");
        isRefused(
                () -> add(NEW, "shelf", Map.of("room", "hall", "wood", "oak", "password", "topsecret")),
                StorageError.BAD_RESULT,
                "the plugin of type 'shelf' wants the sensitive property 'password' of storage 'new' in " + file);
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.told.getLast()).isEqualTo("delete new");
    }

    @Test
    void aSecretIsNotShownWhereItIsRefused() {
        assertThatThrownBy(() -> add(NEW, "shelf", Map.of("room", "hall", "wood", "oak", "key", "much-too-long")))
                .hasMessageContaining("property 'key'")
                .hasMessageNotContaining("much");
    }

    @Test
    void aStorageThatFailsItsTrialIsNotAdded() {
        isRefused(
                () -> store.add(NEW, "shelf", Map.of("room", "hall", "wood", "oak", "password", "p"), storage -> {
                    throw ShelfPlugin.failure(StorageError.STORAGE_UNAVAILABLE, "the hall is locked");
                }),
                StorageError.STORAGE_UNAVAILABLE,
                "the hall is locked");
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.passwords).isEmpty();
        assertThat(shelf.told).extracting(told -> told.substring(0, 6)).containsExactly("add ne", "delete");
    }

    @Test
    void whatCouldNotBeUndoneIsTold() {
        shelf.atDeleting = Optional.of(ShelfPlugin.failure(StorageError.COMMAND_FAILED, "the key is stuck"));
        fails(
                () -> store.add(NEW, "shelf", Map.of("room", "hall", "wood", "oak"), storage -> {
                    throw ShelfPlugin.failure(StorageError.STORAGE_UNAVAILABLE, "the hall is locked");
                }),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.UNKNOWN,
                "the hall is locked; storage 'new' is not added, but removing what was made for it failed: the key is"
                        + " stuck");
        assertThat(text()).isEqualTo(TEXT);
    }

    @Test
    void aHookThatFailsAddsNothing() {
        shelf.atAdding = Optional.of(ShelfPlugin.failure(StorageError.COMMAND_FAILED, "no such hall"));
        isRefused(
                () -> add(NEW, "shelf", Map.of("room", "hall", "wood", "oak")),
                StorageError.COMMAND_FAILED,
                "no such hall");
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.told).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    s1    | shelf | room=hall            | ALREADY_EXISTS | storage ID 's1' already defined
                    tank  | dir   | path=/x              | ALREADY_EXISTS | storage ID 'tank' already defined
                    local | dir   | path=/x              | ALREADY_EXISTS | storage ID 'local' already defined
                    new   | zfs   | pool=x               | BAD_PARAMETER  | unknown section type 'zfs', known types are dir, shelf
                    new   | dir   | shared=1             | BAD_CONFIG     | storage 'new': missing value for required option 'path'
                    new   | dir   | path=/x;room=hall    | BAD_PARAMETER  | storage 'new': unexpected property 'room'
                    new   | dir   | path=x               | BAD_PARAMETER  | storage 'new': property 'path': invalid format - value does not look like a valid absolute path: 'x'
                    new   | dir   | path=/x y            | BAD_CONFIG     | illegal path for directory storage: '/x y'
                    new   | dir   | path=/x;shared=yes   | BAD_PARAMETER  | storage 'new': property 'shared': type check ('boolean') failed - got 'yes'
                    new   | dir   | path=/x;format=vdi   | BAD_PARAMETER  | does not have a value in the enumeration
                    new   | dir   | path=/x;options=soft | BAD_PARAMETER  | storage 'new': unexpected property 'options'
                    new   | dir   | path=/x;type=dir     | BAD_PARAMETER  | storage 'new': unexpected property 'type'
                    new   | shelf | room=hall;wood=oak;content=iso     | BAD_PARAMETER | storage does not support content type 'iso'
                    new   | shelf | room=hall;wood=oak;content=        | BAD_CONFIG    | storage does not support content type 'none'
                    new   | shelf | room=hall;wood=oak;format=vmdk     | BAD_PARAMETER | storage does not support format 'vmdk'
                    new   | shelf | room=hall;wood=oak;strange=a\\nb   | BAD_PARAMETER | storage 'new': property 'strange' contains a line feed: 'a\\nb'
                    """)
    void aBadStorageIsRefusedAndNothingIsDone(
            String id, String type, String given, StorageError error, String complaint) {
        isRefused(() -> add(new StorageId(id), type, given(given)), error, complaint);
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.told).isEmpty();
    }

    private static Map<String, String> given(String text) {
        Map<String, String> given = new LinkedHashMap<>();
        for (String item : text.split(";", -1)) {
            int equals = item.indexOf('=');
            if (equals > 0) {
                given.put(item.substring(0, equals), item.substring(equals + 1).replace("\\n", "\n"));
            }
        }
        return given;
    }

    @Test
    void theFirstStorageMakesTheFile() throws Exception {
        Files.delete(file);
        add(NEW, "dir", Map.of("path", "/new", "content", "none"));
        assertThat(text()).isEqualTo("dir: new\n\tpath /new\n\tcontent none\n\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r-----");
    }

    // ---- changing

    @Test
    void aChangeTouchesTheLinesOfItsPropertiesOnly() {
        store.set(S1, Map.of("boards", "4", "height", "2.0", "shared", "1"), Set.of("content"), null);
        assertThat(text())
                .isEqualTo(TEXT.replace("\tcontent images\n\tboards 3\n", "\tboards 4\n\theight 2\n\tshared 1\n"));
        store.set(new StorageId("aa"), Map.of("disable", "1"), Set.of(), null);
        assertThat(text()).contains("""
                        dir: aa
                        # by hand
                        \tdisable
                        \tpath /aa
                            nodes  n2,n1

                        zfspool: tank
                        """);
        store.set(new StorageId("aa"), Map.of("disable", "0", "nodes", "n1 n3"), Set.of(), null);
        assertThat(text())
                .contains("# by hand\n\tpath /aa\n\tnodes n1,n3\n\nzfspool: tank\n\tpool tank\n\tstrange words\n");
    }

    @Test
    void aChangeThatChangesNothingLeavesEveryByte() {
        store.set(new StorageId("aa"), Map.of("nodes", "n1,n2"), Set.of("shared"), null);
        assertThat(text()).isEqualTo(TEXT);
    }

    @Test
    void whatTheTypeDoesNotHaveStaysWhereItIs() {
        write(TEXT + "\tformat vmdk\n\tunheard of\n\tcontent-dirs iso=x,images=y\n");
        store.set(S1, Map.of("boards", "9"), Set.of(), null);
        assertThat(text())
                .isEqualTo(TEXT.replace("boards 3", "boards 9")
                        + "\tformat vmdk\n\tunheard of\n\tcontent-dirs iso=x,images=y\n");
    }

    @Test
    void theHookIsToldWhatWasAndWhatChanges() {
        shelf.adds.put("height", "3");
        store.set(S1, Map.of("wood", "ash", "password", "p"), Set.of("content", "boards"), null);
        assertThat(shelf.told).containsExactly("update s1 {wood=ash} [boards, content] []");
        assertThat(text()).endsWith("shelf: s1\n\troom hall\n\twood ash\n\theight 3\n");
        assertThat(shelf.passwords).containsEntry(S1, "p");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    s1   | room=cellar    |         | BAD_CONFIG    | storage 's1': can't change value of fixed parameter 'room'
                    s1   | wood=          |         | BAD_PARAMETER | does not have a value in the enumeration
                    s1   | boards=0       |         | BAD_PARAMETER | storage 's1': property 'boards': value must have a minimum value of 1, not 0
                    s1   | pool=x         |         | BAD_PARAMETER | storage 's1': unexpected property 'pool'
                    s1   |                | pool    | BAD_PARAMETER | no such option 'pool'
                    s1   |                | wood    | BAD_PARAMETER | unable to delete required option 'wood'
                    s1   |                | base    | BAD_PARAMETER | unable to delete fixed option 'base'
                    s1   | boards=4       | boards  | BAD_PARAMETER | cannot set and delete property 'boards' at the same time!
                    s1   | content=iso    |         | BAD_PARAMETER | storage does not support content type 'iso'
                    no   | boards=4       |         | NOT_FOUND     | storage 'no' does not exist
                    tank | sparse=1       |         | NOT_SUPPORTED | storage 'tank' has the unsupported type 'zfspool', known types are dir, shelf
                    """)
    void aBadChangeIsRefusedAndNothingIsDone(
            String id, String given, String deleted, StorageError error, String complaint) {
        isRefused(
                () -> store.set(
                        new StorageId(id),
                        given(given == null ? "" : given),
                        deleted == null ? Set.of() : Set.of(deleted),
                        null),
                error,
                complaint);
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.told).isEmpty();
    }

    @Test
    void aChangeOfAFileThatHasChangedSinceItWasSeenIsRefused() {
        String seen = store.current().digest();
        store.set(S1, Map.of("boards", "4"), Set.of(), seen);
        isRefused(
                () -> store.set(S1, Map.of("boards", "5"), Set.of(), seen),
                StorageError.IN_USE,
                "detected modified configuration - file changed by other user? Try again.");
        assertThat(properties(S1)).containsEntry("boards", "4");
        store.set(S1, Map.of("boards", "5"), Set.of(), store.current().digest());
        assertThat(properties(S1)).containsEntry("boards", "5");
    }

    @Test
    void whatIsWrittenByHandMeanwhileIsNotOverwritten() {
        shelf.atUpdating = () -> write("# by hand\n" + TEXT);
        fails(
                () -> store.set(S1, Map.of("boards", "4"), Set.of(), null),
                StorageError.IN_USE,
                Outcome.UNKNOWN,
                "detected modified configuration");
        assertThat(text()).isEqualTo("# by hand\n" + TEXT);

        isRefused(
                () -> store.add(NEW, "shelf", Map.of("room", "hall", "wood", "oak"), storage -> write(TEXT)),
                StorageError.IN_USE,
                "detected modified configuration");
        assertThat(text()).isEqualTo(TEXT);
        assertThat(shelf.told.getLast()).isEqualTo("delete new");
    }

    @Test
    void whatAHookWantsWrittenMustReadTheSame() {
        shelf.adds.put("strange", " blanks around ");
        fails(
                () -> store.set(S1, Map.of("boards", "4"), Set.of(), null),
                StorageError.BAD_CONFIG,
                Outcome.UNKNOWN,
                "storage 's1': the line '\\u0009strange  blanks around ' would be read as '\\u0009strange blanks around'");
        shelf.adds.put("strange", "two\nlines");
        fails(
                () -> store.set(S1, Map.of("boards", "4"), Set.of(), null),
                StorageError.BAD_CONFIG,
                Outcome.UNKNOWN,
                "storage 's1': property 'strange' contains a line feed");
        assertThat(text()).isEqualTo(TEXT);
    }

    @Test
    void theLocalStorageIsWrittenOnceItIsChanged() {
        StorageId local = new StorageId("local");
        isRefused(() -> store.remove(local), StorageError.NOT_SUPPORTED, "storage 'local' is not in " + file);
        store.set(local, Map.of("content", "iso,vztmpl"), Set.of(), null);
        assertThat(text()).isEqualTo(TEXT + """

                        dir: local
                        \tpath /var/lib/vz
                        \tcontent iso,vztmpl
                        \tprune-backups keep-all=1

                        """);
        store.set(local, Map.of("shared", "0"), Set.of("prune-backups"), null);
        assertThat(text()).endsWith("\n\tpath /var/lib/vz\n\tcontent iso,vztmpl\n\tshared 0\n\n");
        store.remove(local);
        assertThat(text()).isEqualTo(TEXT + "\n");

        write("zfspool: local\n\tpool a\n");
        isRefused(
                () -> store.set(local, Map.of("content", "iso"), Set.of(), null),
                StorageError.BAD_CONFIG,
                "storage 'local' is always the directory /var/lib/vz");
    }

    // ---- removing

    @Test
    void aStorageIsRemovedWithItsLines() {
        store.remove(new StorageId("aa"));
        assertThat(text()).isEqualTo(TEXT.replaceFirst("(?s)dir: aa.*?\n\n", ""));
        store.remove(S1);
        assertThat(text()).isEqualTo("# all of them\nzfspool: tank\n\tpool tank\n\tstrange words\n\n");
        assertThat(shelf.told).containsExactly("delete s1");
        isRefused(() -> store.remove(S1), StorageError.NOT_FOUND, "storage 's1' does not exist");
        isRefused(
                () -> store.remove(new StorageId("tank")),
                StorageError.NOT_SUPPORTED,
                "storage 'tank' has the unsupported type 'zfspool'");
    }

    @Test
    void noOlderSectionOfTheSameIdComesBack() {
        write(TEXT + "\nshelf: s1\n\troom loft\n\twood ash\n");
        store.set(S1, Map.of("wood", "oak"), Set.of(), null);
        assertThat(text()).isEqualTo(TEXT + "\nshelf: s1\n\troom loft\n\twood oak\n");
        store.remove(S1);
        assertThat(text()).isEqualTo(TEXT.replaceFirst("(?s)shelf: s1.*", ""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"lvm: vg\n\tvgname vg\n\tbase s1:0.0.1\n", "shelf: s2\n\troom hall\n\twood oak\n\tbase s1:x\n"})
    void aStorageThatIsTheBaseOfAnotherIsNotRemoved(String other) {
        write(TEXT + "\n" + other);
        isRefused(
                () -> store.remove(S1),
                StorageError.IN_USE,
                "can't remove storage - storage is used as base of another storage: 's1' is the base of '");
        assertThat(text()).isEqualTo(TEXT + "\n" + other);
        assertThat(shelf.told).isEmpty();
    }

    @Test
    void aHookThatFailsKeepsTheStorage() {
        shelf.atDeleting = Optional.of(ShelfPlugin.failure(StorageError.IN_USE, "books stand on it"));
        isRefused(() -> store.remove(S1), StorageError.IN_USE, "books stand on it");
        assertThat(text()).isEqualTo(TEXT);
    }

    // ---- files that are no good

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    nonsense\\n                          | 1  | ignore config line: 'nonsense'
                    \\s\\s\\n                            | 1  | ignore config line: '  '
                    \\tpath /x\\n                        | 1  | ignore config line: '\\u0009path /x'
                    dir: x\\n\\n                         | 1  | storage ID 'x' cannot be shorter than 2 characters
                    dir: x_\\n\\n                        | 1  | storage ID 'x_' contains illegal characters
                    dir: x y\\n\\n                       | 1  | ignore config line: 'dir: x y'
                    dir: xx\\n\\tpath /x\\ndir: yy\\n\\n | 3  | ignore config line: 'dir: yy'
                    dir: xx\\n\\tpath /x\\n\\s\\n\\n     | 3  | ignore config line: ' '
                    dir: xx\\n\\n                        | 1  | missing value for required option 'path'
                    dir: xx\\n\\tpath x\\n\\n            | 2  | value does not look like a valid absolute path: 'x'
                    dir: xx\\n\\tpath\\n\\n              | 2  | got undefined value
                    dir: xx\\n\\tpath /x\\n\\tpath /y\\n\\n     | 3 | duplicate attribute
                    dir: xx\\n\\tpath /x\\n\\tshared yes\\n\\n  | 3 | type check ('boolean') failed - got 'yes'
                    dir: xx\\n\\tpath /x\\n\\tcontent none,iso\\n\\n | 1 | unable to combine 'none' with other content types
                    dir: xx\\n\\tpath /x y\\n\\n         | 1  | illegal path for directory storage: '/x y'
                    dir: xx\\r\\n\\tpath /x\\r\\n\\r\\n  | 3  | ignore config line: '\\u000d'
                    """)
    void aFileWithAFaultIsNotChanged(String fault, int line, String complaint) {
        String before = fault.replace("\\n", "\n")
                        .replace("\\t", "\t")
                        .replace("\\r", "\r")
                        .replace("\\s", " ")
                + TEXT;
        write(before);
        String message = "file " + file + " line " + line + ": ";
        String digest = store.current().digest();
        for (ThrowingCallable change : List.<ThrowingCallable>of(
                () -> add(NEW, "dir", Map.of("path", "/new")),
                () -> store.set(S1, Map.of("boards", "4"), Set.of(), digest),
                () -> store.remove(S1))) {
            isRefused(change, StorageError.BAD_CONFIG, complaint);
            assertThatThrownBy(change)
                    .isInstanceOf(StorageException.class)
                    .hasMessageStartingWith(message)
                    .hasMessageEndingWith("; correct this line by hand, nothing was changed");
        }
        assertThat(text()).isEqualTo(before);
        assertThat(shelf.told).isEmpty();
    }

    // ---- the file itself

    @Test
    void modeOwnerAndLinkStay() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may give files away");
        Path real = directory.resolve("real.cfg");
        Files.move(file, real);
        Files.createSymbolicLink(file, real);
        Files.setAttribute(real, "unix:mode", 0604);
        Files.setAttribute(real, "unix:uid", 12);
        Files.setAttribute(real, "unix:gid", 34);
        store.remove(S1);
        assertThat(Files.readSymbolicLink(file)).isEqualTo(real);
        assertThat(Files.readAttributes(real, "unix:uid,gid,permissions"))
                .containsEntry("uid", 12)
                .containsEntry("gid", 34)
                .containsEntry("permissions", PosixFilePermissions.fromString("rw----r--"));
        assertThat(text()).doesNotContain("s1");
    }

    @Test
    void aReaderSeesTheOldFileOrTheNewOne() throws Exception {
        List<String> seen = new ArrayList<>();
        Thread reader = Thread.ofPlatform().start(() -> {
            while (!Thread.interrupted()) {
                seen.add(text());
            }
        });
        try {
            for (int boards = 1; boards <= 200; boards++) {
                store.set(S1, Map.of("boards", String.valueOf(boards)), Set.of(), null);
            }
        } finally {
            reader.interrupt();
            reader.join();
        }
        assertThat(Set.copyOf(seen))
                .isNotEmpty()
                .allSatisfy(text ->
                        assertThat(text.replaceFirst("boards \\d+", "boards 3")).isEqualTo(TEXT));
    }
}
