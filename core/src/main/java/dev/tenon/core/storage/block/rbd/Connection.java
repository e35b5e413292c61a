package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.failure.Failures;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.CephCluster;
import dev.tenon.core.storage.common.SecretFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a storage's cluster is reached.
 *
 * @param configuration the file of the cluster's configuration, null to leave it to Ceph
 * @param monitors empty if the configuration names them
 * @param user without {@code client.}
 * @param keyring null to use the cluster without authentication
 */
record Connection(
        @Nullable Path configuration,
        List<String> monitors,
        String user,
        @Nullable Path keyring) {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    /** One with a key in base64: 28 bytes of an AES key, or 44 of one of the kind aes256k. */
    private static final Pattern KEYRING =
            Pattern.compile("\\s*\\[\\S+]\\s*key\\s*=\\s*\\S+={1,2}\\s*", Pattern.MULTILINE);

    Connection {
        monitors = List.copyOf(monitors);
    }

    static Path keyringOf(RbdHost host, Storage storage) {
        return host.cephDirectory().resolve(storage.id() + ".keyring");
    }

    private static Path configurationOf(RbdHost host, Storage storage) {
        return host.cephDirectory().resolve(storage.id() + ".conf");
    }

    /**
     * That of a storage.
     *
     * @throws StorageException {@code BAD_CONFIG} if its keyring is none
     */
    static Connection of(RbdHost host, Storage storage) {
        Path keyring = keyringOf(host, storage);
        boolean hasKey = Files.isRegularFile(keyring);
        if (hasKey && !isKeyring(read(keyring))) {
            throw StorageException.refused(StorageError.BAD_CONFIG, "Not a proper rbd authentication file: " + keyring);
        }
        Path own = configurationOf(host, storage);
        boolean isForeign = Configuration.monitors(storage).isPresent();
        Path configuration = null;
        if (!isForeign) {
            configuration = host.etc().resolve("ceph.conf");
            if (Files.exists(own)) {
                LOG.warn("event=ceph-conf-ignored storage={} file={} reason=\"monhost is not set\"", storage.id(), own);
            }
        } else if (hasKey || Files.exists(own)) {
            configuration = own;
            makeConfiguration(host, storage);
        }
        return new Connection(configuration, monitorsOf(storage), Configuration.user(storage), hasKey ? keyring : null);
    }

    /** The monitors that a storage names, empty if it names none. */
    static List<String> monitorsOf(Storage storage) {
        return Configuration.monitors(storage).map(CephCluster::hosts).orElse(List.of());
    }

    static boolean isKeyring(String text) {
        return KEYRING.matcher(text).find();
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw Failures.of(e, Outcome.NOT_STARTED, "unable to read '" + file + "'");
        }
    }

    /** Makes the configuration by which QEMU finds the keyring, unless there is one. */
    static void makeConfiguration(RbdHost host, Storage storage) {
        Path own = configurationOf(host, storage);
        Path keyring = keyringOf(host, storage);
        if (!Files.exists(own) && Files.exists(keyring)) {
            new SecretFile(own).write("[global]\n\tkeyring = " + keyring + "\n\n", "rw-------");
        }
    }

    static void removeFiles(RbdHost host, Storage storage) {
        new SecretFile(keyringOf(host, storage)).remove();
        new SecretFile(configurationOf(host, storage)).remove();
    }

    /** How clients authenticate. */
    String authentication() {
        return keyring == null ? "none" : "cephx";
    }

    /** The options of Ceph's commands. */
    List<String> options(Authentication spelling) {
        List<String> options = new ArrayList<>();
        if (configuration != null) {
            options.addAll(List.of("-c", configuration.toString()));
        }
        if (!monitors.isEmpty()) {
            options.addAll(List.of("-m", String.join(",", monitors)));
        }
        options.addAll(List.of("--" + spelling.word(), authentication(), "-n", "client." + user));
        if (keyring != null) {
            options.addAll(List.of("--keyring", keyring.toString()));
        }
        return options;
    }

    /** The end of the path of an image in QEMU's old style. */
    String pathOptions(Authentication spelling) {
        StringBuilder options = new StringBuilder();
        if (configuration != null) {
            options.append(":conf=").append(configuration);
        }
        if (!monitors.isEmpty()) {
            options.append(":mon_host=")
                    .append(String.join(";", monitors).replace(":", "\\:"))
                    .append(':')
                    .append(spelling.word())
                    .append('=')
                    .append(authentication());
        }
        if (keyring != null) {
            options.append(":id=").append(user).append(":keyring=").append(keyring);
        }
        return options.toString();
    }
}
