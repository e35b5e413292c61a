package dev.tenon.core.storage.directory;

import dev.tenon.core.xml.ForeignXml;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * A virtual machine as an OVF manifest describes it.
 *
 * @param name a name that a guest can have, empty if the manifest has none
 * @param cores as it is written, empty if it is not
 * @param memory MiB as it is written, empty if it is not
 * @param osType PVE's word
 * @param hasEfi whether it starts by way of EFI
 * @param disks in the order of the manifest
 * @param cards the models of its network cards
 */
record Ovf(
        Optional<String> name,
        Optional<String> cores,
        Optional<String> memory,
        String osType,
        boolean hasEfi,
        List<Disk> disks,
        List<String> cards) {
    private static final Logger LOG = LoggerFactory.getLogger(Ovf.class);

    private static final String OVF = "http://schemas.dmtf.org/ovf/envelope/1";
    private static final String VMWARE = "http://www.vmware.com/schema/ovf";
    private static final String SETTING =
            "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData";

    /** The kinds of resources that matter, by their number in CIM. */
    private static final String PROCESSOR = "3";

    private static final String MEMORY = "4";
    private static final String ETHERNET_ADAPTER = "10";
    private static final String DISK_DRIVE = "17";
    private static final Map<String, String> BUSES = Map.of("5", "ide", "6", "scsi", "20", "sata");

    private static final List<String> MODELS = List.of("e1000", "e1000e", "vmxnet3");
    private static final Pattern HOST_RESOURCE = Pattern.compile("(?:ovf:)?/[\\w.~-]+/([\\w.~-]+)");
    private static final Pattern FILE_REFERENCE = Pattern.compile("[\\w.~/-]+");
    private static final long MIB = 1 << 20;

    Ovf {
        disks = List.copyOf(disks);
        cards = List.copyOf(cards);
    }

    /**
     * A disk.
     *
     * @param address bus and number, for instance {@code scsi0}
     * @param file as it is written; not checked
     * @param capacity bytes, empty if the manifest does not tell
     */
    record Disk(String address, String file, OptionalLong capacity) {}

    /** The text is no manifest of one virtual machine. */
    static final class BadOvfException extends Exception {
        private static final long serialVersionUID = 1L;

        BadOvfException(String why) {
            super(why);
        }
    }

    /** Reads a manifest. */
    static Ovf parse(InputStream xml) throws IOException, BadOvfException {
        Element envelope;
        try {
            envelope = ForeignXml.read(xml).getDocumentElement();
        } catch (SAXException e) {
            throw new BadOvfException(String.valueOf(e.getMessage()));
        }
        if (!is(envelope, OVF, "Envelope")) {
            throw new BadOvfException("it is no OVF envelope of version 1");
        }
        Element system = child(envelope, OVF, "VirtualSystem")
                .orElseThrow(() -> new BadOvfException("it describes no single virtual system"));
        return new Reader(envelope, system).read();
    }

    private static final class Reader {
        private final Element envelope;
        private final Element system;
        private final List<Element> items;
        private final Map<String, String> kinds = new HashMap<>();

        private Reader(Element envelope, Element system) {
            this.envelope = envelope;
            this.system = system;
            items = children(system, OVF, "VirtualHardwareSection")
                    .flatMap(section -> children(section, OVF, "Item"))
                    .toList();
            items.forEach(item -> setting(item, "InstanceID").ifPresent(id -> kinds.putIfAbsent(id, kind(item))));
        }

        private Ovf read() {
            return new Ovf(
                    name(),
                    resource(PROCESSOR).flatMap(Reader::quantity),
                    resource(MEMORY).flatMap(Reader::mebibytes),
                    OsTypes.word(child(system, OVF, "OperatingSystemSection")
                            .map(section -> section.getAttributeNS(OVF, "id"))
                            .orElse("")),
                    hasEfi(),
                    disks(),
                    items(ETHERNET_ADAPTER).map(Reader::model).toList());
        }

        private Optional<String> name() {
            return child(system, OVF, "Name")
                    .map(Node::getTextContent)
                    .filter(name -> !name.isEmpty())
                    .or(() -> Optional.of(system.getAttributeNS(OVF, "id")))
                    .map(name -> name.replaceAll("\\s+", "-").replaceAll("[^a-zA-Z0-9.-]", ""))
                    .filter(name -> !name.isEmpty());
        }

        private boolean hasEfi() {
            return children(system, OVF, "VirtualHardwareSection")
                    .flatMap(section -> children(section, VMWARE, "Config"))
                    .filter(config -> config.getAttributeNS(VMWARE, "key").equals("firmware"))
                    .anyMatch(config -> config.getAttributeNS(VMWARE, "value").equals("efi"));
        }

        private Stream<Element> items(String kind) {
            return items.stream().filter(item -> kind(item).equals(kind));
        }

        /** A resource of which there is one: of the configuration that is the default, where there are several. */
        private Optional<Element> resource(String kind) {
            return items(kind)
                    .filter(item -> !item.hasAttributeNS(OVF, "configuration") && !item.hasAttributeNS(OVF, "bound"))
                    .findFirst()
                    .or(() -> items(kind).findFirst());
        }

        private static Optional<String> quantity(Element item) {
            return setting(item, "VirtualQuantity");
        }

        /** Memory without a unit is told in MiB by everybody. What is no whole number of MiB is rounded up. */
        private static Optional<String> mebibytes(Element item) {
            Optional<String> quantity = quantity(item);
            Optional<String> unit = setting(item, "AllocationUnits");
            if (quantity.isEmpty() || unit.isEmpty()) {
                return quantity;
            }
            OptionalLong bytes = OvfUnit.bytes(quantity.get(), unit.get());
            if (bytes.isEmpty()) {
                LOG.warn(
                        "invalid amount of memory '{}' of '{}' in a manifest, taken for MiB",
                        quantity.get(),
                        unit.get());
                return quantity;
            }
            return Optional.of(Long.toString(Math.ceilDiv(bytes.getAsLong(), MIB)));
        }

        private static String model(Element item) {
            String model = setting(item, "ResourceSubType").orElse("").toLowerCase(Locale.ROOT);
            return MODELS.contains(model) ? model : MODELS.getFirst();
        }

        private List<Disk> disks() {
            List<Drive> drives =
                    items(DISK_DRIVE).flatMap(item -> drive(item).stream()).toList();
            List<String> addresses =
                    OvfAddresses.of(drives.stream().map(Drive::wanted).toList());
            List<Disk> disks = new ArrayList<>();
            for (int i = 0; i < drives.size(); i++) {
                disks.add(new Disk(
                        addresses.get(i), drives.get(i).file(), drives.get(i).capacity()));
            }
            return disks;
        }

        private record Drive(OvfAddresses.Wanted wanted, String file, OptionalLong capacity) {}

        /** A drive names a disk, the disk a file, and the drive's parent is its controller. */
        private Optional<Drive> drive(Element item) {
            String resource = setting(item, "HostResource").orElse("");
            Matcher named = HOST_RESOURCE.matcher(resource);
            if (!named.matches()) {
                LOG.warn("invalid host resource '{}' in a manifest, skipping", resource);
                return Optional.empty();
            }
            Optional<Element> disk = children(envelope, OVF, "DiskSection")
                    .flatMap(section -> children(section, OVF, "Disk"))
                    .filter(element -> element.getAttributeNS(OVF, "diskId").equals(named.group(1)))
                    .findFirst();
            String reference =
                    disk.map(element -> element.getAttributeNS(OVF, "fileRef")).orElse("");
            if (disk.isEmpty() || !FILE_REFERENCE.matcher(reference).matches()) {
                LOG.warn("invalid host resource '{}' in a manifest, skipping", resource);
                return Optional.empty();
            }
            String bus = BUSES.get(kinds.getOrDefault(setting(item, "Parent").orElse(""), ""));
            if (bus == null) {
                LOG.warn("invalid or missing controller of disk '{}' in a manifest, skipping", named.group(1));
                return Optional.empty();
            }
            String file = children(envelope, OVF, "References")
                    .flatMap(section -> children(section, OVF, "File"))
                    .filter(element -> element.getAttributeNS(OVF, "id").equals(reference))
                    .map(element -> element.getAttributeNS(OVF, "href"))
                    .findFirst()
                    .orElse("");
            if (file.isEmpty()) {
                LOG.warn("invalid file reference '{}' in a manifest, skipping", reference);
                return Optional.empty();
            }
            return Optional.of(
                    new Drive(new OvfAddresses.Wanted(named.group(1), bus, number(item)), file, capacity(disk.get())));
        }

        private static OptionalInt number(Element item) {
            return setting(item, "AddressOnParent")
                    .filter(number -> number.matches("\\d{1,3}"))
                    .map(number -> OptionalInt.of(Integer.parseInt(number)))
                    .orElseGet(OptionalInt::empty);
        }

        private static OptionalLong capacity(Element disk) {
            return OvfUnit.bytes(
                    disk.getAttributeNS(OVF, "capacity"), disk.getAttributeNS(OVF, "capacityAllocationUnits"));
        }

        private static String kind(Element item) {
            return setting(item, "ResourceType").orElse("");
        }

        private static Optional<String> setting(Element item, String name) {
            return child(item, SETTING, name)
                    .map(Node::getTextContent)
                    .map(String::strip)
                    .filter(text -> !text.isEmpty());
        }
    }

    private static boolean is(Node node, String namespace, String name) {
        return namespace.equals(node.getNamespaceURI()) && name.equals(node.getLocalName());
    }

    private static Optional<Element> child(Element parent, String namespace, String name) {
        return children(parent, namespace, name).findFirst();
    }

    private static Stream<Element> children(Element parent, String namespace, String name) {
        List<Element> found = new ArrayList<>();
        NodeList nodes = parent.getChildNodes();
        for (int i = 0; i < nodes.getLength(); i++) {
            if (nodes.item(i) instanceof Element element && is(element, namespace, name)) {
                found.add(element);
            }
        }
        return found.stream();
    }
}
