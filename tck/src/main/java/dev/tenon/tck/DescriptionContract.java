package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Formats;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.backup.BackupProvider;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What a plugin says about itself, and which configurations it accepts. */
@OfProfile(Profile.CORE)
interface DescriptionContract extends Contract {
    /** What PVE's base class declares, for all types. */
    Set<String> OF_ALL_TYPES = Set.of(
            "type",
            "storage",
            "nodes",
            "content",
            "disable",
            "prune-backups",
            "max-protected-backups",
            "shared",
            "subdir",
            "format",
            "preallocation",
            "content-dirs",
            "options",
            "port",
            "snapshot-as-volume-chain");

    /** What PVE's own types declare and others may use, at the newest level. */
    Set<String> OF_ONE_TYPE = Set.of(
            "authsupported",
            "base",
            "blocksize",
            "bwlimit",
            "comstar_hg",
            "comstar_tg",
            "create-base-path",
            "create-subdirs",
            "data-pool",
            "datastore",
            "domain",
            "encryption-key",
            "export",
            "fingerprint",
            "fs-name",
            "fuse",
            "is_mountpoint",
            "iscsiprovider",
            "keyring",
            "krbd",
            "lio_tpg",
            "master-pubkey",
            "mkdir",
            "monhost",
            "mountpoint",
            "namespace",
            "nocow",
            "nowritecache",
            "on-volume-remove",
            "password",
            "path",
            "pool",
            "portal",
            "saferemove",
            "saferemove-stepsize",
            "saferemove_throughput",
            "server",
            "share",
            "skip-cert-verification",
            "smbversion",
            "sparse",
            "tagged_only",
            "target",
            "thinpool",
            "username",
            "vgname",
            "zfs-base-path");

    @Test
    @Check(
            calls = {"type", "plugindata", "properties", "options"},
            otherwise = "Do not load the plugin: storage.cfg is read in another way each time.")
    default void thePluginSaysTheSameOfItselfEveryTime() {
        StoragePlugin plugin = subject().plugin();
        assertThat(plugin.type()).isEqualTo(plugin.type()).matches("[a-z][a-z0-9-]*");
        assertThat(plugin.pluginData()).isEqualTo(plugin.pluginData());
        assertThat(plugin.properties()).isEqualTo(plugin.properties());
        assertThat(plugin.options()).isEqualTo(plugin.options());
    }

    @Test
    @Check(calls = "type", otherwise = "Write the type of the storage as the plugin names it.")
    default void theStorageIsOfThePluginsType() {
        assertThat(subject().storage().config().type())
                .isEqualTo(subject().plugin().type());
    }

    @Test
    @Check(
            calls = "plugindata",
            otherwise = "Name content and format in storage.cfg: the usual ones are refused later.")
    default void whatIsTakenByDefaultIsAmongWhatIsTaken() {
        PluginData data = subject().plugin().pluginData();
        assertThat(data.content())
                .allSatisfy(
                        word -> assertThat(ContentType.ofWord(word)).as(word).isPresent());
        assertThat(data.content()).isNotEmpty().containsAll(data.defaultContent());
        if (data.formats().isEmpty()) {
            assertThat(data.defaultFormat()).isNull();
        } else {
            assertThat(data.defaultFormat()).isIn(data.formats());
        }
    }

    @Test
    @Check(calls = "get_formats", otherwise = "Name a format with each allocation, one that works.")
    default void theFormatsOfTheStorageAreThoseItIsSaidToTake() {
        requires(subject().keepsImages(), "keeps no images");
        Formats formats = subject().plugin().formats(subject().storage());
        assertThat(formats.valid())
                .isEqualTo(Set.<Format>copyOf(subject().abilities().formats()));
        assertThat(formats.preferred()).isIn(formats.valid());
    }

    @Test
    @Check(
            calls = {"options", "properties"},
            otherwise = "Do not load the plugin: PVE dies of an option without a schema, with all storages.")
    default void everyOptionIsDeclaredByThePluginOrByPve() {
        Set<String> known = new TreeSet<>(subject().plugin().properties().keySet());
        known.addAll(OF_ALL_TYPES);
        known.addAll(OF_ONE_TYPE);
        assertThat(subject().plugin().options()).isNotEmpty();
        assertThat(known).containsAll(subject().plugin().options().keySet());
    }

    @Test
    @Check(
            calls = "properties",
            otherwise = "Do not load the plugin: PVE dies of a property that is declared twice, with all storages.")
    default void nothingThatPveDeclaresForAllTypesIsDeclaredAgain() {
        assertThat(subject().plugin().properties()).doesNotContainKeys(OF_ALL_TYPES.toArray(String[]::new));
    }

    @Test
    @Check(calls = "properties", otherwise = "Do not use the property: PVE cannot check its values.")
    default void everyDeclaredPropertyHasAType() {
        assertThat(subject().plugin().properties())
                .allSatisfy((name, schema) ->
                        assertThat(schema.attributes()).as(name).containsKey("type"));
    }

    @Test
    @Check(calls = "check_config", otherwise = "Change storage.cfg by hand only: PVE cannot write the storage again.")
    default void theStoragesConfigurationHolds() {
        Storage storage = subject().storage();
        Map<String, Object> checked = subject()
                .plugin()
                .checkConfig(storage.id(), section(storage.config().properties()), true);
        assertThat(checked).containsKeys(storage.config().properties().keySet().toArray(String[]::new));
    }

    @Test
    @Check(
            calls = "check_config",
            otherwise = "Look at storage.cfg after a change: misspelt properties are kept and ignored.")
    default void aPropertyThatIsNoOptionIsRefused() {
        Map<String, Object> section = section(subject().storage().config().properties());
        section.put("of-no-type", "1");
        refusedConfig(section, true);
    }

    @Test
    @Check(
            calls = "check_config",
            otherwise = "Look at storage.cfg after a storage is added: it may lack what every call needs.")
    default void aStorageWithoutARequiredPropertyIsRefusedOrGetsTheUsualOne() {
        subject().plugin().options().forEach((name, option) -> {
            Map<String, Object> section = section(subject().storage().config().properties());
            if (!option.optional() && section.remove(name) != null) {
                refusedOrFilled(section, name);
            }
        });
    }

    private void refusedOrFilled(Map<String, Object> section, String name) {
        Map<String, Object> checked;
        try {
            checked = subject().plugin().checkConfig(subject().storage().id(), new LinkedHashMap<>(section), true);
        } catch (StorageException e) {
            refusedConfig(section, true);
            return;
        }
        assertThat(checked).containsKey(name);
    }

    @Test
    @Check(
            calls = "check_config",
            otherwise = "Never change a fixed property: the volumes are looked for elsewhere afterwards.")
    default void aFixedPropertyCannotBeChanged() {
        subject().storage().config().properties().forEach((name, value) -> {
            if (subject().plugin().options().containsKey(name)
                    && subject().plugin().options().get(name).fixed()) {
                refusedConfig(section(Map.of(name, value)), false);
            }
        });
    }

    @Test
    @OfProfile(Profile.BACKUP)
    @Check(
            calls = {"new_backup_provider", "plugindata"},
            otherwise = "Plan no backups to the storage through a provider.")
    default void aBackupProviderIsGivenIfThePluginSaysSoAndRefusedOtherwise() {
        Storage storage = subject().storage();
        StoragePlugin plugin = subject().plugin();
        if (!plugin.pluginData().features().contains("backup-provider")) {
            failing().refused(StorageError.NOT_SUPPORTED, () -> plugin.newBackupProvider(storage, (level, line) -> {}));
            return;
        }
        try (BackupProvider provider = plugin.newBackupProvider(storage, (level, line) -> {})) {
            assertThat(provider.providerName()).isNotBlank();
        }
    }

    private void refusedConfig(Map<String, Object> section, boolean isNew) {
        failing()
                .refused(
                        StorageError.BAD_CONFIG,
                        () -> subject().plugin().checkConfig(subject().storage().id(), section, isNew));
    }

    private Map<String, Object> section(Map<String, Object> properties) {
        Map<String, Object> section = new LinkedHashMap<>(properties);
        section.put("type", subject().plugin().type());
        return section;
    }
}
