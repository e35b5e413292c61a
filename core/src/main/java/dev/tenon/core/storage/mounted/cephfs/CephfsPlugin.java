package dev.tenon.core.storage.mounted.cephfs;

import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.CephCluster;
import dev.tenon.core.storage.common.SecretFile;
import dev.tenon.core.storage.mounted.Mount;
import dev.tenon.core.storage.mounted.MountHost;
import dev.tenon.core.storage.mounted.MountedPlugin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The storage type {@code cephfs}: the file system of a Ceph cluster. It holds no images. */
public final class CephfsPlugin extends MountedPlugin {
    private static final Logger LOG = LoggerFactory.getLogger(CephfsPlugin.class);
    private static final PluginData DATA = new PluginData(
            Set.of("vztmpl", "iso", "backup", "snippets", "import"),
            Set.of("backup"),
            Set.of(),
            null,
            Set.of("keyring"),
            Set.of(),
            false,
            Map.of());

    private static final String KEYRING = "keyring";

    /** In base64: 28 bytes of an AES key, or 44 of one of the kind aes256k. */
    private static final Pattern SECRET = Pattern.compile("\\S+={1,2}\\s*");

    public CephfsPlugin() {
        this(MountHost.USUAL);
    }

    /** On a node that keeps its things elsewhere. */
    public CephfsPlugin(MountHost host) {
        super(host);
    }

    @Override
    public String type() {
        return "cephfs";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put("fuse", schema("boolean", "Mount by way of FUSE, not by the kernel's own client.", Map.of()));
        properties.put("fs-name", schema("string", "Name of the file system.", Map.of("format", "pve-configid")));
        return properties;
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = mountOptions();
        for (String name : List.of("monhost", "subdir", "username", "fuse", KEYRING, "fs-name")) {
            options.put(name, OPTIONAL);
        }
        return options;
    }

    private Path cephDirectory() {
        return host().etc().resolve("priv/ceph");
    }

    private SecretFile secret(StorageId storage) {
        return new SecretFile(cephDirectory().resolve(storage + ".secret"));
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        Optional<String> given = secrets.changes().getOrDefault(KEYRING, Optional.empty());
        if (given.isPresent()) {
            keep(storage, given.get());
        } else if (secret(storage.id()).exists()) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "ceph authx keyring file for storage '" + storage.id() + "' already exists: '"
                            + secret(storage.id()).path() + "'");
        } else {
            adminKey()
                    .ifPresentOrElse(
                            key -> keep(storage, key),
                            () -> LOG.warn(
                                    "storage {}: no keyring is known, so it is used without authentication",
                                    storage.id()));
        }
        return super.onAdd(storage, secrets);
    }

    /** The key of a cluster that this node is part of. */
    private Optional<String> adminKey() {
        return CephCluster.read(host().etc().resolve("priv/ceph.client.admin.keyring"))
                .value("client.admin", "key");
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        Optional<String> keyring = change.secrets().changes().get(KEYRING);
        if (keyring != null) {
            keyring.ifPresentOrElse(
                    key -> keep(storage, key), () -> secret(storage.id()).remove());
        }
        return super.onUpdate(storage, change);
    }

    @Override
    public void onDelete(Storage storage) {
        secret(storage.id()).remove();
    }

    private void keep(Storage storage, String key) {
        String line = key.strip();
        if (!SECRET.matcher(line).matches()) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id()
                            + "': the keyring is not the key of a user of Ceph, one word ending in '='");
        }
        secret(storage.id()).write(line + "\n", "r--------");
    }

    private static String subdir(Storage storage) {
        return text(storage, "subdir").orElse("/");
    }

    @Override
    protected boolean isStorage(Storage storage, Mount mount) {
        boolean isCeph = mount.type().startsWith("ceph") || mount.type().contains("fuse.ceph-fuse");
        return isCeph
                && (mount.source().endsWith(":" + subdir(storage))
                        || mount.source().equals("ceph-fuse"));
    }

    @Override
    protected void mount(Storage storage, Path mountPoint) {
        boolean isFuse = storage.config().flag("fuse", false);
        Optional<Path> configuration = configuration(storage);
        Optional<Path> secretFile = secretFile(storage);
        Optional<String> fileSystem = text(storage, "fs-name");
        List<String> options = new ArrayList<>();
        options.add((isFuse ? "ceph.id=" : "name=") + text(storage, "username").orElse("admin"));
        secretFile.ifPresent(file -> options.add((isFuse ? "ceph.keyfile=" : "secretfile=") + file));
        configuration.ifPresent(file -> options.add((isFuse ? "ceph.conf=" : "conf=") + file));
        fileSystem.ifPresent(name -> options.add((isFuse ? "ceph.client_fs=" : "fs=") + name));
        options(storage).ifPresent(options::add);
        mount(new MountUnit(
                mountPoint.normalize(),
                monitors(storage) + ":" + subdir(storage),
                isFuse ? "fuse.ceph" : "ceph",
                String.join(",", options)));
    }

    private void mount(MountUnit unit) {
        Path file = host().units().resolve(unit.name());
        boolean existed = Files.exists(file);
        Path staged = file.resolveSibling(
                unit.name() + ".tmp." + ProcessHandle.current().pid());
        try {
            Files.createDirectories(host().units());
            Files.writeString(staged, unit.text());
            Files.move(staged, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.FAILED_CLEAN,
                    "mount error: unable to write '" + file + "': " + e.getMessage(),
                    e);
        }
        if (existed) {
            run("daemon-reload error", "systemctl", "daemon-reload");
        }
        run("mount error", "systemctl", "start", unit.name());
    }

    /** A cluster of PVE has its configuration in {@code ceph.conf}; any other may have one of its own. */
    private Optional<Path> configuration(Storage storage) {
        if (text(storage, "monhost").isEmpty()) {
            return Optional.of(host().etc().resolve("ceph.conf"));
        }
        return Optional.of(cephDirectory().resolve(storage.id() + ".conf")).filter(Files::exists);
    }

    private String monitors(Storage storage) {
        String monitors = text(storage, "monhost")
                .map(CephCluster::monitors)
                .orElseGet(() ->
                        CephCluster.read(host().etc().resolve("ceph.conf")).monitors());
        if (monitors.isEmpty()) {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "unable to activate storage '" + storage.id()
                            + "' - no monitor is known: set monhost, or mon_host in '"
                            + host().etc().resolve("ceph.conf") + "'");
        }
        return monitors;
    }

    private Optional<Path> secretFile(Storage storage) {
        SecretFile file = secret(storage.id());
        if (!file.exists()) {
            return Optional.empty();
        }
        try {
            if (SECRET.matcher(Files.readString(file.path()).strip()).matches()) {
                return Optional.of(file.path());
            }
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.PERMISSION_DENIED,
                    Outcome.NOT_STARTED,
                    "unable to read secret file '" + file.path() + "': " + e.getMessage(),
                    e);
        }
        throw StorageException.refused(
                StorageError.BAD_CONFIG, "Not a proper cephfs authentication file: " + file.path());
    }
}
