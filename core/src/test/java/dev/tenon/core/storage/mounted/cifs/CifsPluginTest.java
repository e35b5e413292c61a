package dev.tenon.core.storage.mounted.cifs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.FakeHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the type declares, how it is mounted, and where its password is kept. */
class CifsPluginTest {
    @TempDir
    Path scratch;

    private FakeHost host;
    private CifsPlugin plugin;
    private Path path;
    private Path credentials;

    @BeforeEach
    void prepare() {
        host = FakeHost.in(scratch.resolve("host"));
        plugin = new CifsPlugin(host.host());
        path = scratch.resolve("store");
        credentials = host.etc().resolve("priv/storage/store.pw");
    }

    private Storage storage(String... more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("path", path.toString());
        properties.put("server", "nas");
        properties.put("share", "vms");
        for (int i = 0; i < more.length; i += 2) {
            properties.put(more[i], more[i + 1]);
        }
        return Storage.of("store", "cifs", properties);
    }

    private static Secrets password(String password) {
        return new Secrets(Map.of("password", Optional.of(password)));
    }

    @Test
    void declaresWhatPveDeclares() {
        assertThat(plugin.type()).isEqualTo("cifs");
        assertThat(plugin.pluginData().content())
                .containsExactlyInAnyOrder("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import");
        assertThat(plugin.pluginData().defaultContent()).containsExactly("images");
        assertThat(plugin.pluginData().formats()).containsExactlyInAnyOrder("raw", "qcow2", "vmdk");
        assertThat(plugin.pluginData().sensitiveProperties()).containsExactly("password");
        assertThat(plugin.properties()).containsOnlyKeys("share", "password", "domain", "smbversion");
        PropertyOption fixed = new PropertyOption(false, true);
        assertThat(plugin.options())
                .containsEntry("path", fixed)
                .containsEntry("server", fixed)
                .containsEntry("share", fixed)
                .containsEntry("snapshot-as-volume-chain", new PropertyOption(true, true))
                .containsKeys("subdir", "username", "password", "domain", "smbversion", "options", "preallocation")
                .hasSize(22);
        assertThat(plugin.checkConfig(new StorageId("store"), Map.of("server", "nas", "share", "vms"), true))
                .containsEntry("path", "/mnt/pve/store");
    }

    @Test
    void isMountedAsAGuestWithoutAPassword() {
        activate(storage());

        assertThat(host.calls())
                .containsExactly(
                        "mount|-t|cifs|//nas/vms|" + path + "|-o|soft|-o|guest,username=guest|-o|vers=default");
    }

    @Test
    void isMountedWithItsPassword() {
        Storage storage = storage(
                "username",
                "operator",
                "domain",
                "OFFICE",
                "smbversion",
                "3.11",
                "subdir",
                "/pve",
                "options",
                "noperm");
        plugin.onAdd(storage, password("pass word"));
        activate(storage);

        assertThat(host.calls())
                .containsExactly("mount|-t|cifs|//nas/vms/pve|" + path
                        + "|-o|soft|-o|username=operator|-o|credentials=" + credentials
                        + "|-o|domain=OFFICE|-o|vers=3.11|-o|noperm");
        assertThat(plugin.status(storage, OperationCache.create())).isInstanceOf(StorageStatus.Active.class);
        assertThat(plugin.status(storage("subdir", "/other"), OperationCache.create()))
                .isInstanceOf(StorageStatus.Inactive.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sec=krb5", "soft,sec=krb5i", "sec=KRB5p,soft"})
    void leavesTheUserToKerberos(String options) {
        Storage storage = storage("username", "operator", "options", options, "server", "fd00::1");
        plugin.onAdd(storage, password("secret"));
        activate(storage);

        assertThat(host.calls())
                .containsExactly("mount|-t|cifs|//[fd00::1]/vms|" + path + "|-o|soft|-o|vers=default|-o|" + options);
        plugin.checkConnection(storage);
        assertThat(host.calls()).containsExactly("smbclient|//fd00::1/vms|-d|0|--use-kerberos=required|-c|echo 1 0");
    }

    @Test
    void keepsThePasswordWhereOnlyRootReadsIt() throws IOException {
        Storage storage = storage("username", "operator");

        assertThat(plugin.onAdd(storage, password("secret")).properties())
                .isEqualTo(storage.config().properties());
        assertThat(credentials).hasContent("password=secret\n");
        assertThat(FileStatus.of(credentials).permissions()).isEqualTo(0600);

        plugin.onUpdate(storage, new ConfigChange(Map.of("domain", "X"), List.of(), Secrets.NONE));
        assertThat(credentials).hasContent("password=secret\n");
        plugin.onUpdate(storage, new ConfigChange(Map.of(), List.of(), password("other")));
        assertThat(credentials).hasContent("password=other\n");
        plugin.onUpdate(
                storage, new ConfigChange(Map.of(), List.of(), new Secrets(Map.of("password", Optional.empty()))));
        assertThat(credentials).doesNotExist();

        plugin.onUpdate(storage, new ConfigChange(Map.of(), List.of(), password("third")));
        plugin.onDelete(storage);
        plugin.onDelete(storage);
        assertThat(credentials.getParent()).isEmptyDirectory();
    }

    @Test
    void forgetsThePasswordOfAStorageThatHadItsName() {
        plugin.onAdd(storage(), password("old"));
        plugin.onAdd(storage(), Secrets.NONE);

        assertThat(credentials).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"secret\nusername=root", "secret\u0000"})
    void refusesAPasswordThatSaysMore(String password) {
        plugin.onAdd(storage(), password("before"));

        Assertions.assertThatThrownBy(() -> plugin.onAdd(storage(), password(password)))
                .hasMessage("storage 'store': a password has at most 256 characters and is one line");
        assertThat(credentials).hasContent("password=before\n");
    }

    @Test
    void tellsThatThePasswordCannotBeKept() throws IOException {
        Files.createDirectories(host.etc());
        Files.createFile(host.etc().resolve("priv"));

        Failing.fails(
                () -> plugin.onAdd(storage(), password("secret")),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "unable to write secret file '" + credentials + "'");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {"none, ''", "default, ''", "2.0, |-m|smb2", "3, |-m|smb3", "3.11, |-m|smb3"})
    void asksTheServerAsAGuest(String version, String words) {
        Storage storage = version == null ? storage() : storage("smbversion", version);

        assertThat(plugin.checkConnection(storage)).isTrue();
        assertThat(host.calls()).containsExactly("smbclient|//nas/vms|-d|0" + words + "|-U|Guest|-N|-c|echo 1 0");
    }

    @Test
    void asksTheServerAsItsUser() {
        Storage storage = storage("username", "operator", "domain", "OFFICE");
        plugin.onAdd(storage, password("secret"));

        assertThat(plugin.checkConnection(storage)).isTrue();
        assertThat(host.calls())
                .containsExactly("smbclient|//nas/vms|-d|0|-U|operator|-A|" + credentials + "|-W|OFFICE|-c|echo 1 0");
    }

    @Test
    void isOfflineIfTheServerDoesNotAnswer() {
        host.says("smbclient", "do_connect: Connection to nas failed (Error NT_STATUS_HOST_UNREACHABLE)\n");
        host.fails("smbclient");

        assertThat(plugin.checkConnection(storage())).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "NT_STATUS_ACCESS_DENIED, PERMISSION_DENIED",
        "NT_STATUS_LOGON_FAILURE, PERMISSION_DENIED",
        "NT_STATUS_INVALID_PARAMETER, BAD_CONFIG"
    })
    void tellsWhyTheServerRefuses(String status, StorageError error) {
        host.says("smbclient", "some words first\nsession setup failed: " + status + "\n");
        host.fails("smbclient");

        Assertions.assertThatThrownBy(() -> plugin.checkConnection(storage()))
                .hasMessage("session setup failed: " + status)
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(error));
    }

    @Test
    void tellsWhyItCannotBeMounted() {
        host.fails("mount", "mount error(13): Permission denied\n");

        Failing.fails(
                () -> activate(storage()),
                StorageError.STORAGE_UNAVAILABLE,
                Outcome.FAILED_CLEAN,
                "mount error: mount error(13): Permission denied");
    }

    @ParameterizedTest
    @CsvSource({"smbversion, 1.0, none of [default", "server, -x, no name or address", "share, '', has no 'share'"})
    void refusesAConfigurationThatCannotBeMounted(String property, String value, String why) {
        Failing.isRefused(() -> activate(storage(property, value)), StorageError.BAD_CONFIG, why);
        Failing.isRefused(() -> plugin.checkConnection(storage(property, value)), StorageError.BAD_CONFIG, why);
        assertThat(host.calls()).isEmpty();
    }

    private void activate(Storage storage) {
        plugin.activateStorage(storage, OperationCache.create());
    }
}
