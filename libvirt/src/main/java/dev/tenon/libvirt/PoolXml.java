package dev.tenon.libvirt;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StorageStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A storage as a pool of libvirt, in the XML of {@code virsh pool-dumpxml} and {@code pool-define}. The storage types
 * {@code dir}, {@code nfs}, {@code cifs}, {@code lvm}, {@code lvmthin}, {@code zfspool}, {@code rbd}, {@code iscsi} and
 * {@code iscsidirect} are pools; libvirt has none for the others.
 */
public final class PoolXml {
    /** What every pool may have and a storage has no property for, or has on its own. */
    private static final Set<String> WITHOUT_PROPERTY = Set.of("name", "uuid", "capacity", "allocation", "available");

    private static final String USER = "username";

    private PoolXml() {}

    /**
     * A storage as a pool.
     *
     * @param status with its sizes if it is active
     * @param initiator the iSCSI name of this node, which a pool of {@code iscsidirect} says; otherwise not looked at
     * @return an XML document
     * @throws StorageException {@code NOT_SUPPORTED} if libvirt has no pool for such a storage; {@code BAD_CONFIG} if it
     *     lacks a property that a pool must say
     */
    public static String write(Storage storage, StorageStatus status, String initiator) {
        PoolKind kind = PoolKind.ofStorage(storage);
        List<XmlTree> elements = new ArrayList<>();
        elements.add(XmlTree.text("name", storage.id().toString()));
        if (status instanceof StorageStatus.Active(ByteSize total, ByteSize available, ByteSize used)) {
            elements.add(XmlTree.bytes("capacity", total.bytes()));
            elements.add(XmlTree.bytes("allocation", used.bytes()));
            elements.add(XmlTree.bytes("available", available.bytes()));
        }
        elements.addAll(kind.elements(storage, initiator));
        return new XmlTree("pool", Map.of("type", kind.word()), null, elements).document();
    }

    /**
     * The storage with the user that PVE takes where its configuration names none: {@code admin} for an RBD storage that has
     * a keyring. Without one PVE uses the cluster without authentication.
     *
     * @param keyrings where the keyrings of storages are, {@code /etc/pve/priv/ceph} on a PVE host
     */
    public static Storage withUser(Storage storage, Path keyrings) {
        if (!storage.config().type().equals("rbd")
                || storage.config().text(USER).isPresent()
                || !Files.isRegularFile(keyrings.resolve(storage.id() + ".keyring"))) {
            return storage;
        }
        Map<String, Object> properties = new LinkedHashMap<>(storage.config().properties());
        properties.put(USER, "admin");
        return new Storage(storage.id(), new StorageConfig(storage.config().type(), properties));
    }

    /** The properties of a storage that its pool does not say, sorted. */
    public static Collection<String> unsaid(Storage storage) {
        Set<String> unsaid = new TreeSet<>(storage.config().properties().keySet());
        unsaid.removeAll(PoolKind.ofStorage(storage).said());
        return unsaid;
    }

    /**
     * The storage that a pool describes.
     *
     * @param document in UTF-8
     * @throws StorageException {@code BAD_PARAMETER} if it is no XML of a pool, lacks something, or its name is no
     *     storage's; {@code NOT_SUPPORTED} if PVE has no storage type for such a pool
     */
    public static StorageDefinition read(byte[] document) {
        XmlTree pool = XmlTree.read(document);
        if (!pool.name().equals("pool")) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, "the document is a " + Quoted.of(pool.name()) + ", and not a 'pool'");
        }
        String name = pool.find("name")
                .or(() -> pool.find("source", "name"))
                .flatMap(XmlTree::words)
                .orElseThrow(() -> StorageException.refused(StorageError.BAD_PARAMETER, "the pool has no name"));
        PoolKind kind = PoolKind.ofWord(pool.attribute("type").orElse(""));
        StorageId id = new StorageId(name);
        return new StorageDefinition(id, kind.type(pool), kind.properties(pool), left(pool, kind));
    }

    private static List<String> left(XmlTree pool, PoolKind kind) {
        List<String> left = new ArrayList<>();
        for (XmlTree element : pool.elements()) {
            if (element.name().equals("source") || element.name().equals("target")) {
                element.elements().stream()
                        .map(inner -> element.name() + "/" + inner.name())
                        .filter(path -> !kind.taken().contains(path))
                        .forEach(left::add);
            } else if (!WITHOUT_PROPERTY.contains(element.name())
                    && !kind.taken().contains(element.name())) {
                left.add(element.name());
            }
        }
        return left;
    }
}
