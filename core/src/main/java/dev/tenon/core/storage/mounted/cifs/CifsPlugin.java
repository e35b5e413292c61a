package dev.tenon.core.storage.mounted.cifs;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ConfigChange;
import dev.tenon.core.spi.HookResult;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Secrets;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.SecretFile;
import dev.tenon.core.storage.mounted.Mount;
import dev.tenon.core.storage.mounted.MountHost;
import dev.tenon.core.storage.mounted.MountedPlugin;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The storage type {@code cifs}: a share of an SMB server. */
public final class CifsPlugin extends MountedPlugin {
    private static final Logger LOG = LoggerFactory.getLogger(CifsPlugin.class);
    private static final PluginData DATA = new PluginData(
            Set.of("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import"),
            Set.of("images"),
            Set.of("raw", "qcow2", "vmdk"),
            "raw",
            Set.of("password"),
            Set.of(),
            false,
            Map.of());

    private static final String PASSWORD = "password";
    private static final String USERNAME = "username";
    private static final int LONGEST_SECRET = 256;
    private static final Duration ASKING = Duration.ofSeconds(10);
    private static final List<String> VERSIONS = List.of("default", "2.0", "2.1", "3", "3.0", "3.11");
    private static final Pattern KERBEROS = Pattern.compile("(?:^|,)sec=krb5[ip]?(?:,|$)", Pattern.CASE_INSENSITIVE);
    /** What the server says if asking again would not help. */
    private static final Pattern FATAL =
            Pattern.compile("(?m)^.*NT_STATUS_(ACCESS_DENIED|INVALID_PARAMETER|LOGON_FAILURE).*$");

    public CifsPlugin() {
        this(MountHost.USUAL);
    }

    /** On a node that keeps its things elsewhere. */
    public CifsPlugin(MountHost host) {
        super(host);
    }

    @Override
    public String type() {
        return "cifs";
    }

    @Override
    public PluginData pluginData() {
        return DATA;
    }

    @Override
    public Map<String, PropertySchema> properties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put("share", schema("string", "The share of the server.", Map.of()));
        properties.put(
                PASSWORD, schema("string", "Password for the server.", Map.of("maxLength", "" + LONGEST_SECRET)));
        properties.put(
                "domain",
                schema("string", "Domain of the user.", Map.of("maxLength", "" + LONGEST_SECRET, "optional", "1")));
        properties.put(
                "smbversion",
                schema(
                        "string",
                        "Version of the protocol; with 'default' client and server choose the highest both know.",
                        Map.of("enum", VERSIONS, "default", "default", "optional", "1")));
        return properties;
    }

    @Override
    public Map<String, PropertyOption> options() {
        Map<String, PropertyOption> options = mountOptions();
        options.put("server", FIXED);
        options.put("share", FIXED);
        for (String name : List.of("subdir", USERNAME, PASSWORD, "domain", "smbversion", "preallocation")) {
            options.put(name, OPTIONAL);
        }
        options.put("snapshot-as-volume-chain", OPTIONAL_FIXED);
        return options;
    }

    private SecretFile credentials(StorageId storage) {
        return new SecretFile(host().etc().resolve("priv/storage").resolve(storage + ".pw"));
    }

    @Override
    public HookResult onAdd(Storage storage, Secrets secrets) {
        keep(
                storage,
                secrets.changes().getOrDefault(PASSWORD, Optional.empty()),
                storage.config().properties());
        return super.onAdd(storage, secrets);
    }

    @Override
    public HookResult onUpdate(Storage storage, ConfigChange change) {
        Optional<String> password = change.secrets().changes().get(PASSWORD);
        if (password != null) {
            Map<String, Object> properties =
                    new LinkedHashMap<>(storage.config().properties());
            properties.keySet().removeAll(change.deleted());
            properties.putAll(change.set());
            keep(storage, password, properties);
        }
        return super.onUpdate(storage, change);
    }

    @Override
    public void onDelete(Storage storage) {
        credentials(storage.id()).remove();
    }

    private void keep(Storage storage, Optional<String> password, Map<String, Object> properties) {
        if (password.isEmpty()) {
            credentials(storage.id()).remove();
            return;
        }
        String secret = password.get();
        if (secret.length() > LONGEST_SECRET || secret.chars().anyMatch(Character::isISOControl)) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER,
                    "storage '" + storage.id() + "': a password has at most " + LONGEST_SECRET
                            + " characters and is one line");
        }
        credentials(storage.id()).write("password=" + secret + "\n", "rw-------");
        if (!properties.containsKey(USERNAME)) {
            LOG.warn("storage {}: the password is of no use without a username", storage.id());
        }
    }

    private static String share(Storage storage) {
        return "//" + bracketed(server(storage)) + "/" + required(storage, "share");
    }

    private static String source(Storage storage) {
        return share(storage) + text(storage, "subdir").orElse("");
    }

    @Override
    protected boolean isStorage(Storage storage, Mount mount) {
        return mount.type().startsWith("cifs") && mount.isOf(source(storage));
    }

    @Override
    protected void mount(Storage storage, Path mountPoint) {
        List<String> words = new ArrayList<>(
                List.of("/bin/mount", "-t", "cifs", source(storage), mountPoint.toString(), "-o", "soft"));
        if (!usesKerberos(storage)) {
            SecretFile credentials = credentials(storage.id());
            if (credentials.exists()) {
                words.addAll(List.of("-o", "username=" + text(storage, USERNAME).orElse("")));
                words.addAll(List.of("-o", "credentials=" + credentials.path()));
                text(storage, "domain").ifPresent(domain -> words.addAll(List.of("-o", "domain=" + domain)));
            } else {
                words.addAll(List.of("-o", "guest,username=guest"));
            }
        }
        words.addAll(List.of("-o", "vers=" + version(storage).orElse("default")));
        options(storage).ifPresent(options -> words.addAll(List.of("-o", options)));
        runMount("/sbin/mount.cifs", "cifs-utils", words);
    }

    private static Optional<String> version(Storage storage) {
        Optional<String> version = text(storage, "smbversion");
        version.filter(word -> !VERSIONS.contains(word)).ifPresent(word -> {
            throw StorageException.refused(
                    StorageError.BAD_CONFIG,
                    "storage '" + storage.id() + "' has smbversion '" + word + "', which is none of " + VERSIONS);
        });
        return version;
    }

    private static boolean usesKerberos(Storage storage) {
        return options(storage)
                .filter(options -> KERBEROS.matcher(options).find())
                .isPresent();
    }

    /**
     * Whether the server lets us in.
     *
     * @throws StorageException {@code PERMISSION_DENIED} or {@code BAD_CONFIG} if it is there and refuses us
     */
    @Override
    public boolean checkConnection(Storage storage) {
        String server = server(storage);
        List<String> words = new ArrayList<>(
                List.of("/usr/bin/smbclient", "//" + server + "/" + required(storage, "share"), "-d", "0"));
        version(storage)
                .filter(version -> !version.equals("default"))
                .ifPresent(version -> words.addAll(List.of("-m", "smb" + version.charAt(0))));
        SecretFile credentials = credentials(storage.id());
        if (usesKerberos(storage)) {
            words.add("--use-kerberos=required");
        } else if (credentials.exists()) {
            words.addAll(List.of(
                    "-U",
                    text(storage, USERNAME).orElse(""),
                    "-A",
                    credentials.path().toString()));
            text(storage, "domain").ifPresent(domain -> words.addAll(List.of("-W", domain)));
        } else {
            words.addAll(List.of("-U", "Guest", "-N"));
        }
        words.addAll(List.of("-c", "echo 1 0"));
        Optional<Command.Ended> ended = ask(ASKING, words);
        if (ended.isEmpty()) {
            return false;
        }
        if (ended.get().exitCode() == 0) {
            return true;
        }
        Matcher fatal = FATAL.matcher(ended.get().output());
        if (fatal.find()) {
            throw StorageException.refused(
                    fatal.group(1).equals("INVALID_PARAMETER")
                            ? StorageError.BAD_CONFIG
                            : StorageError.PERMISSION_DENIED,
                    fatal.group().strip());
        }
        return false;
    }
}
