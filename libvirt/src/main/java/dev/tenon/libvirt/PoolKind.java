package dev.tenon.libvirt;

import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The types of libvirt's pools that are storage types of PVE, and how each expresses the properties of a storage. */
@SuppressWarnings("ImmutableEnumChecker") // the sets are made by Set.of
enum PoolKind {
    DIR(Set.of("dir"), Set.of("path"), Set.of("target/path")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            return List.of(target(required(storage, "path")));
        }

        @Override
        String type(XmlTree pool) {
            return "dir";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            return Map.of("path", required(pool, "target", "path"));
        }
    },

    NETFS(
            Set.of("nfs", "cifs"),
            Set.of("server", "export", "share", "path", "options"),
            Set.of("source/host", "source/dir", "source/format", "source/protocol", "target/path", "fs:mount_opts")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            String type = storage.config().type();
            String from = required(storage, type.equals("nfs") ? "export" : "share");
            List<XmlTree> elements = new ArrayList<>(List.of(
                    XmlTree.of(
                            "source",
                            Map.of(),
                            XmlTree.of("host", Map.of("name", required(storage, "server"))),
                            XmlTree.of("dir", Map.of("path", from)),
                            XmlTree.of("format", Map.of("type", type))),
                    target(storage.config().text("path").orElse("/mnt/pve/" + storage.id()))));
            storage.config()
                    .text("options")
                    .map(options -> XmlTree.of(
                            "fs:mount_opts",
                            Arrays.stream(options.split(",", -1))
                                    .map(option -> XmlTree.of("fs:option", Map.of("name", option)))
                                    .toList()))
                    .ifPresent(elements::add);
            return elements;
        }

        @Override
        String type(XmlTree pool) {
            String format = pool.find("source", "format")
                    .flatMap(found -> found.attribute("type"))
                    .orElse("auto");
            return switch (format) {
                case "auto", "nfs" -> "nfs";
                case "cifs" -> "cifs";
                default ->
                    throw StorageException.refused(
                            StorageError.NOT_SUPPORTED,
                            "PVE has no storage type for a pool of type 'netfs' in format " + Quoted.of(format)
                                    + "; there are nfs and cifs");
            };
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            Map<String, String> properties = new LinkedHashMap<>();
            properties.put("server", attribute(pool, "name", "source", "host"));
            properties.put(type(pool).equals("nfs") ? "export" : "share", attribute(pool, "path", "source", "dir"));
            properties.put("path", required(pool, "target", "path"));
            List<String> options = new ArrayList<>();
            pool.find("source", "protocol")
                    .flatMap(protocol -> protocol.attribute("ver"))
                    .ifPresent(version -> options.add("vers=" + version));
            pool.find("fs:mount_opts").stream()
                    .flatMap(found -> found.elements().stream())
                    .forEach(option -> option.attribute("name").ifPresent(options::add));
            if (!options.isEmpty()) {
                properties.put("options", String.join(",", options));
            }
            return properties;
        }
    },

    LOGICAL(
            Set.of("lvm", "lvmthin"),
            Set.of("vgname"),
            Set.of("source/name", "source/format", "source/device", "target/path")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            String group = required(storage, "vgname");
            return List.of(
                    XmlTree.of(
                            "source",
                            Map.of(),
                            XmlTree.text("name", group),
                            XmlTree.of("format", Map.of("type", "lvm2"))),
                    target("/dev/" + group));
        }

        @Override
        String type(XmlTree pool) {
            return "lvm";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            return Map.of("vgname", nameOfSource(pool));
        }
    },

    ZFS(Set.of("zfspool"), Set.of("pool"), Set.of("source/name", "target/path")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            return List.of(XmlTree.of("source", Map.of(), XmlTree.text("name", required(storage, "pool"))));
        }

        @Override
        String type(XmlTree pool) {
            return "zfspool";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            return Map.of("pool", nameOfSource(pool));
        }
    },

    RBD(Set.of("rbd"), Set.of("pool", "monhost", "username"), Set.of("source/name", "source/host", "source/auth")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            if (storage.config().text("namespace").isPresent()) {
                throw StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "storage '" + storage.id() + "' is in an RBD namespace, and libvirt has no pool for one");
            }
            List<XmlTree> source = new ArrayList<>();
            source.add(XmlTree.text("name", storage.config().text("pool").orElse("rbd")));
            required(storage, "monhost");
            storage.config().words("monhost").stream()
                    .map(Endpoint::parse)
                    .map(Endpoint::host)
                    .forEach(source::add);
            storage.config()
                    .text("username")
                    .map(user -> XmlTree.of(
                            "auth",
                            Map.of("type", "ceph", "username", user),
                            XmlTree.of("secret", Map.of("usage", "client." + user + " of " + storage.id()))))
                    .ifPresent(source::add);
            return List.of(XmlTree.of("source", source));
        }

        @Override
        String type(XmlTree pool) {
            return "rbd";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            Map<String, String> properties = new LinkedHashMap<>();
            properties.put("pool", nameOfSource(pool));
            List<String> monitors = pool.find("source").stream()
                    .flatMap(source -> source.elements().stream())
                    .filter(element -> element.name().equals("host"))
                    .flatMap(host -> Endpoint.of(host).stream())
                    .map(Endpoint::text)
                    .toList();
            if (monitors.isEmpty()) {
                throw missing("source/host");
            }
            properties.put("monhost", String.join(",", monitors));
            pool.find("source", "auth")
                    .flatMap(auth -> auth.attribute("username"))
                    .ifPresent(user -> properties.put("username", user));
            return properties;
        }
    },

    ISCSI(
            Set.of("iscsi"),
            Set.of("portal", "target"),
            Set.of("source/host", "source/device", "source/initiator", "target/path")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            return List.of(XmlTree.of("source", lun(storage)), target("/dev/disk/by-path"));
        }

        @Override
        String type(XmlTree pool) {
            return "iscsi";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            return lun(pool);
        }
    },

    ISCSI_DIRECT(
            Set.of("iscsidirect"),
            Set.of("portal", "target"),
            Set.of("source/host", "source/device", "source/initiator")) {
        @Override
        List<XmlTree> elements(Storage storage, String initiator) {
            if (initiator.isEmpty()) {
                throw StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "a pool of storage '" + storage.id() + "' says the iSCSI name of this node, and this node has"
                                + " none; install open-iscsi, which makes one");
            }
            List<XmlTree> source = new ArrayList<>(lun(storage));
            source.add(XmlTree.of("initiator", Map.of(), XmlTree.of("iqn", Map.of("name", initiator))));
            return List.of(XmlTree.of("source", source));
        }

        @Override
        String type(XmlTree pool) {
            return "iscsidirect";
        }

        @Override
        Map<String, String> properties(XmlTree pool) {
            return lun(pool);
        }
    };

    private final Set<String> types;
    private final Set<String> said;
    private final Set<String> taken;

    PoolKind(Set<String> types, Set<String> said, Set<String> taken) {
        this.types = types;
        this.said = said;
        this.taken = taken;
    }

    /** What a pool of a storage says besides its name and sizes. */
    abstract List<XmlTree> elements(Storage storage, String initiator);

    /** The storage type of this pool. */
    abstract String type(XmlTree pool);

    /** The properties of its storage. */
    abstract Map<String, String> properties(XmlTree pool);

    /** libvirt's word. */
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The properties of a storage that a pool says. */
    Set<String> said() {
        return said;
    }

    /** The elements of a pool that become properties, or say nothing that a storage does not. */
    Set<String> taken() {
        return taken;
    }

    static PoolKind ofStorage(Storage storage) {
        String type = storage.config().type();
        return Arrays.stream(values())
                .filter(kind -> kind.types.contains(type))
                .findFirst()
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "libvirt has no pool for storage '" + storage.id() + "', which is of type '" + type
                                + "'; it has some for dir, nfs, cifs, lvm, lvmthin, zfspool, rbd, iscsi and"
                                + " iscsidirect"));
    }

    static PoolKind ofWord(String word) {
        return Arrays.stream(values())
                .filter(kind -> kind.word().equals(word))
                .findFirst()
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_SUPPORTED,
                        "PVE has no storage type for a pool of type " + Quoted.of(word) + "; it has some for "
                                + String.join(
                                        ", ",
                                        Arrays.stream(values())
                                                .map(PoolKind::word)
                                                .toList())));
    }

    private static XmlTree target(String path) {
        return XmlTree.of("target", Map.of(), XmlTree.text("path", path));
    }

    private static List<XmlTree> lun(Storage storage) {
        return List.of(
                Endpoint.parse(required(storage, "portal")).host(),
                XmlTree.of("device", Map.of("path", required(storage, "target"))));
    }

    private static Map<String, String> lun(XmlTree pool) {
        String portal = pool.find("source", "host")
                .flatMap(Endpoint::of)
                .map(Endpoint::text)
                .orElseThrow(() -> missing("source/host"));
        return Map.of("portal", portal, "target", attribute(pool, "path", "source", "device"));
    }

    private static String nameOfSource(XmlTree pool) {
        return pool.find("source", "name")
                .or(() -> pool.find("name"))
                .flatMap(XmlTree::words)
                .orElseThrow(() -> missing("source/name"));
    }

    private static String required(Storage storage, String property) {
        return storage.config()
                .text(property)
                .filter(value -> !value.isEmpty())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.BAD_CONFIG,
                        "storage '" + storage.id() + "' has no '" + property + "', which its pool would have to say"));
    }

    private static String required(XmlTree pool, String... names) {
        return pool.find(names).flatMap(XmlTree::words).orElseThrow(() -> missing(String.join("/", names)));
    }

    private static String attribute(XmlTree pool, String attribute, String... names) {
        return pool.find(names)
                .flatMap(element -> element.attribute(attribute))
                .orElseThrow(() -> missing(String.join("/", names) + "/@" + attribute));
    }

    private static StorageException missing(String what) {
        return StorageException.refused(StorageError.BAD_PARAMETER, "the pool has no '" + what + "'");
    }

    /** A machine, and the port there if it is named. */
    private record Endpoint(String name, Optional<String> port) {
        /** From PVE's text: a name or address, in brackets if it has colons and a port follows. */
        static Endpoint parse(String text) {
            int end = text.indexOf(']');
            if (text.startsWith("[") && end > 0) {
                String rest = text.substring(end + 1);
                return new Endpoint(
                        text.substring(1, end),
                        Optional.of(rest).filter(r -> r.startsWith(":")).map(r -> r.substring(1)));
            }
            int colon = text.indexOf(':');
            boolean hasPort = colon > 0 && colon == text.lastIndexOf(':');
            return hasPort
                    ? new Endpoint(text.substring(0, colon), Optional.of(text.substring(colon + 1)))
                    : new Endpoint(text, Optional.empty());
        }

        static Optional<Endpoint> of(XmlTree host) {
            return host.attribute("name").map(name -> new Endpoint(name, host.attribute("port")));
        }

        String text() {
            String address = name.contains(":") ? "[" + name + "]" : name;
            return port.map(number -> address + ":" + number).orElse(address);
        }

        XmlTree host() {
            Map<String, String> attributes = new LinkedHashMap<>();
            attributes.put("name", name);
            port.ifPresent(number -> attributes.put("port", number));
            return XmlTree.of("host", attributes);
        }
    }
}
