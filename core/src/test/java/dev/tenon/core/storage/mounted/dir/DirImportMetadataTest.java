package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Guests to be imported, as their OVF manifests describe them. The file is long because the manifests stand in it.
 */
class DirImportMetadataTest {
    private static final String LINUX =
            "<OperatingSystemSection ovf:id=\"96\"><Info>Debian</Info></OperatingSystemSection>";
    private static final String CPU_AND_MEMORY = item(3, 1, "<rasd:VirtualQuantity>2</rasd:VirtualQuantity>")
            + item(4, 2, "<rasd:VirtualQuantity>2048</rasd:VirtualQuantity>");
    private static final String CONTROLLERS = item(6, 3, "") + item(5, 4, "") + item(20, 5, "") + item(7, 6, "");

    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private final List<String> files = new ArrayList<>();
    private final List<String> disks = new ArrayList<>();
    private final List<String> items = new ArrayList<>(List.of(CPU_AND_MEMORY, CONTROLLERS));
    private Storage storage = Storages.at(Path.of("/unset"));
    private Path imports = Path.of("/unset");
    private String system = "<Name>my  machine (1)</Name>" + LINUX;
    private String prolog = "";

    @BeforeEach
    void makeStorage() throws IOException {
        storage = Storages.at(directory);
        imports = Files.createDirectories(directory.resolve("import"));
    }

    private static String item(int type, int id, String more) {
        return "<Item><rasd:InstanceID>" + id + "</rasd:InstanceID><rasd:ResourceType>" + type + "</rasd:ResourceType>"
                + more + "</Item>";
    }

    /** A disk at this place of this controller, with this file and these further words of its Disk. */
    private void disk(int controller, String address, String file, String more) {
        int number = disks.size();
        files.add("<File ovf:id=\"file%d\" ovf:href=\"%s\"/>".formatted(number, file));
        disks.add("<Disk ovf:diskId=\"d%1$d\" ovf:fileRef=\"file%1$d\" %2$s/>".formatted(number, more));
        items.add(item(
                17,
                100 + number,
                "<rasd:HostResource>ovf:/disk/d" + number + "</rasd:HostResource><rasd:Parent>" + controller
                        + "</rasd:Parent>" + address));
    }

    private static String at(int address) {
        return "<rasd:AddressOnParent>" + address + "</rasd:AddressOnParent>";
    }

    private static String capacity(long count, String unit) {
        return "ovf:capacity=\"" + count + "\" ovf:capacityAllocationUnits=\"" + unit + "\"";
    }

    private String manifest() {
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            %s<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
                xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
                xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
                xmlns:vmw="http://www.vmware.com/schema/ovf">
              <References>%s</References>
              <DiskSection><Info>Disks</Info>%s</DiskSection>
              <VirtualSystem ovf:id="the id">
                <Info>A machine</Info>%s
                <VirtualHardwareSection><Info>Hardware</Info>%s</VirtualHardwareSection>
              </VirtualSystem>
            </Envelope>
            """.formatted(prolog, String.join("", files), String.join("", disks), system, String.join("", items));
    }

    private Map<String, Object> ovf() throws IOException {
        Files.writeString(imports.resolve("machine.ovf"), manifest());
        return plugin.importMetadata(storage, new VolumeName("import/machine.ovf"));
    }

    private Map<String, Object> ova() throws IOException {
        return ova("machine.ovf", manifest().getBytes(StandardCharsets.UTF_8));
    }

    private Map<String, Object> ova(String name, byte[] manifest) throws IOException {
        Path packing = Files.createDirectories(directory.resolve("packing"));
        Path file = packing.resolve(name);
        Files.createDirectories(file.resolveSibling("."));
        Files.write(file, manifest);
        Files.writeString(packing.resolve("a.vmdk"), "never looked at");
        Qemu.run(packing, List.of("tar", "-cf", imports.resolve("machine.ova").toString(), "a.vmdk", name));
        return plugin.importMetadata(storage, new VolumeName("import/machine.ova"));
    }

    private Set<String> addresses() throws IOException {
        return disksByAddress().keySet();
    }

    /** The names of the disks' files by their addresses, in the order of the addresses. */
    private SortedMap<String, String> disksByAddress() throws IOException {
        SortedMap<String, String> names = new TreeMap<>();
        ((Map<?, ?>) Objects.requireNonNull(ova().get("disks"))).forEach((address, disk) -> {
            String volid = String.valueOf(((Map<?, ?>) disk).get("volid"));
            names.put(String.valueOf(address), volid.substring(volid.lastIndexOf('/') + 1));
        });
        return names;
    }

    @Test
    void tellsTheGuestOfAManifestWithTheSizesOfItsDisks() throws IOException {
        Qemu.create(imports, "-f", "vmdk", "a.vmdk", "10M");
        Qemu.create(imports, "-f", "qcow2", "b b.qcow2", "7M");
        Files.write(imports.resolve("c.raw"), new byte[1536]);
        disk(3, at(0), "a.vmdk", capacity(1, "byte * 2^20"));
        disk(4, at(1), "b b.qcow2", "");
        disk(5, at(3), "c.raw", "");
        items.add(item(10, 20, "<rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>"));
        items.add(item(10, 21, "<rasd:ResourceSubType>PCNet32</rasd:ResourceSubType>"));

        assertThat(ovf())
                .isEqualTo(Map.of(
                        "type",
                        "vm",
                        "source",
                        "import/machine.ovf",
                        "create-args",
                        Map.of(
                                "name", "my-machine-1",
                                "cores", "2",
                                "memory", "2048",
                                "ostype", "l26",
                                "boot", "order=scsi0;ide1;sata3"),
                        "disks",
                        Map.of(
                                "scsi0", Map.of("volid", "store:import/a.vmdk", "size", 10L << 20),
                                "ide1", Map.of("volid", "store:import/b b.qcow2", "size", 7L << 20),
                                "sata3", Map.of("volid", "store:import/c.raw", "size", 1536L)),
                        "net",
                        Map.of("net0", Map.of("model", "vmxnet3"), "net1", Map.of("model", "e1000")),
                        "warnings",
                        List.of()));
    }

    @Test
    void tellsTheGuestOfAnArchiveThatIsNotUnpacked() throws IOException {
        disk(3, at(0), "a.vmdk", capacity(10, "byte * 2^20"));
        disk(3, at(1), "b.vmdk", capacity(5, ""));
        items.add("<vmw:Config ovf:required=\"false\" vmw:key=\"firmware\" vmw:value=\"efi\"/>");

        Map<String, Object> metadata = ova();
        assertThat(metadata)
                .containsEntry("source", "import/machine.ova")
                .containsEntry(
                        "disks",
                        Map.of(
                                "scsi0", Map.of("volid", "store:import/machine.ova/a.vmdk", "size", 10L << 20),
                                "scsi1", Map.of("volid", "store:import/machine.ova/b.vmdk"),
                                "efidisk0", 1L))
                .containsEntry(
                        "warnings",
                        List.of(
                                Map.of("type", "ova-needs-extracting"),
                                Map.of("type", "efi-state-lost", "key", "bios", "value", "ovmf")));
        assertThat(metadata.get("create-args"))
                .isEqualTo(Map.of(
                        "name", "my-machine-1",
                        "cores", "2",
                        "memory", "2048",
                        "ostype", "l26",
                        "bios", "ovmf",
                        "boot", "order=scsi0;scsi1"));
        assertThat(plugin.parseVolname(new VolumeName("import/machine.ova/a.vmdk"))
                        .format()
                        .word())
                .isEqualTo("ova+vmdk");
        assertThat(imports).isDirectoryContaining("glob:**/machine.ova");
        assertThat(imports.resolve("a.vmdk")).doesNotExist();
    }

    @Test
    void takesTheIdForANameThatIsMissing() throws IOException {
        system = "<OperatingSystemSection ovf:id=\"1\"><Info/></OperatingSystemSection>";

        assertThat(ovf().get("create-args"))
                .isEqualTo(Map.of("name", "the-id", "cores", "2", "memory", "2048", "ostype", "other"));
    }

    @ParameterizedTest
    @CsvSource({
        "18, winxp",
        "58, w2k",
        "69, w2k3",
        "77, w2k8",
        "74, wvista",
        "97, l24",
        "103, win7",
        "115, win8",
        "121, win10",
        "123, win11",
        "29, solaris",
        "107, l26",
        "102, other",
        "x, other"
    })
    void tellsTheOperatingSystem(String id, String word) throws IOException {
        system = "<OperatingSystemSection ovf:id=\"" + id + "\"><Info/></OperatingSystemSection>";

        assertThat(ovf().get("create-args")).asString().contains("ostype=" + word);
    }

    @Test
    void takesTheQuantitiesOfTheDefaultConfiguration() throws IOException {
        items.set(
                0,
                CPU_AND_MEMORY
                                .replace("<Item>", "<Item ovf:configuration=\"large\">")
                                .replace(">2<", ">64<")
                        + CPU_AND_MEMORY);

        assertThat(ovf().get("create-args")).asString().contains("cores=2,").contains("memory=2048");
    }

    @Test
    void leavesOutDisksThatHaveNoPlaceOrNoFile() throws IOException {
        disk(99, at(0), "a.vmdk", "");
        disk(6, at(0), "a.vmdk", "");
        disk(3, at(0), "", "");
        items.add(item(17, 50, "<rasd:HostResource>http://x/d0</rasd:HostResource><rasd:Parent>3</rasd:Parent>"));
        items.add(item(17, 51, "<rasd:HostResource>/disk/none</rasd:HostResource><rasd:Parent>3</rasd:Parent>"));

        assertThat(ovf()).containsEntry("disks", Map.of());
        assertThat(ovf().get("create-args")).asString().doesNotContain("boot");
    }

    @Test
    void givesADiskWithoutANumberTheLowestFreeOne() throws IOException {
        disk(3, at(0), "a.vmdk", "");
        disk(3, "", "b.vmdk", "");
        disk(3, "", "c.vmdk", "");

        assertThat(ova().get("disks"))
                .isEqualTo(Map.of(
                        "scsi0", Map.of("volid", "store:import/machine.ova/a.vmdk"),
                        "scsi1", Map.of("volid", "store:import/machine.ova/b.vmdk"),
                        "scsi2", Map.of("volid", "store:import/machine.ova/c.vmdk")));
    }

    @Test
    void keepsADiskWithoutANumberBesideTheOneThatTellsIt() throws IOException {
        disk(3, "", "a.vmdk", "");
        disk(3, at(0), "b.vmdk", "");

        assertThat(disksByAddress()).isEqualTo(Map.of("scsi0", "b.vmdk", "scsi1", "a.vmdk"));
        assertThat(ova().get("create-args")).asString().contains("boot=order=scsi1;scsi0");
    }

    @Test
    void keepsTheDisksOfTwoControllersOfAKind() throws IOException {
        items.add(item(6, 30, "") + item(5, 31, "") + item(20, 32, nvme()));
        disk(3, at(0), "scsi-a.vmdk", "");
        disk(30, at(0), "scsi-b.vmdk", "");
        disk(4, at(0), "ide-a.vmdk", "");
        disk(31, at(0), "ide-b.vmdk", "");
        disk(5, at(0), "sata.vmdk", "");
        disk(32, at(0), "nvme.vmdk", "");
        disk(30, at(1), "scsi-c.vmdk", "");

        assertThat(disksByAddress())
                .isEqualTo(Map.of(
                        "scsi0", "scsi-a.vmdk",
                        "scsi1", "scsi-c.vmdk",
                        "scsi2", "scsi-b.vmdk",
                        "ide0", "ide-a.vmdk",
                        "ide1", "ide-b.vmdk",
                        "sata0", "sata.vmdk",
                        "sata1", "nvme.vmdk"));
    }

    private static String nvme() {
        return "<rasd:ResourceSubType>vmware.nvme.controller</rasd:ResourceSubType>";
    }

    /** Whatever the manifest tells, each disk is there once, and one that tells a free address first has it. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void losesNoDiskWhateverTheAddresses(long seed) throws IOException {
        Random random = new Random(seed);
        items.add(item(6, 30, "") + item(5, 31, "") + item(20, 32, nvme()));
        Map<Integer, String> buses = Map.of(3, "scsi", 30, "scsi", 4, "ide", 31, "ide", 5, "sata", 32, "sata");
        List<Integer> controllers = buses.keySet().stream().sorted().toList();
        Map<String, String> first = new TreeMap<>();
        Set<String> names = new TreeSet<>();
        int count = 1 + random.nextInt(30);
        for (int i = 0; i < count; i++) {
            int controller = controllers.get(random.nextInt(controllers.size()));
            int address = random.nextInt(20) - 8;
            String name = "disk" + i + ".vmdk";
            names.add(name);
            disk(controller, address < 0 ? "" : at(address), name, "");
            int room = Map.of("scsi", 31, "ide", 4, "sata", 6).getOrDefault(buses.get(controller), 0);
            if (address >= 0 && address < room) {
                first.putIfAbsent(buses.get(controller) + address, name);
            }
        }

        Map<String, String> disks = disksByAddress();

        assertThat(disks.values()).containsExactlyInAnyOrderElementsOf(names);
        assertThat(disks).containsAllEntriesOf(first);
        assertThat(disks.keySet()).allMatch(address -> address.matches("scsi([12]?\\d|30)|ide[0-3]|sata[0-5]"));
    }

    @Test
    void givesADiskANumberThatAGuestCanHave() throws IOException {
        disk(5, at(15), "a.vmdk", "");
        disk(4, at(4), "b.vmdk", "");
        disk(3, at(31), "c.vmdk", "");
        for (int i = 0; i < 4; i++) {
            disk(4, at(i), "ide" + i + ".vmdk", "");
        }

        assertThat(addresses()).containsExactly("ide0", "ide1", "ide2", "ide3", "sata0", "scsi0", "scsi1");
    }

    @ParameterizedTest
    @CsvSource({
        "2048, '',              2048",
        "2048, 'byte * 2^20',   2048",
        "2,    'byte * 2^30',   2048",
        "2,    'byte*2^30',     2048",
        "2,    ' Byte * 2 ^ 30 ', 2048",
        "2097152, 'byte * 2^10', 2048",
        "2147483648, byte,      2048",
        "2147483648, bytes,     2048",
        "2,    'byte * 1024 * 1024 * 1024', 2048",
        "2,    'kilobyte * 2^20', 2048",
        "2097152, KiloBytes,    2048",
        "2097152, KB,           2048",
        "2048, MegaBytes,       2048",
        "2048, MB,              2048",
        "2048, MiB,             2048",
        "2,    GigaBytes,       2048",
        "2,    GB,              2048",
        "2,    gigabyte,        2048",
        "1,    TeraBytes,       1048576",
        "2000, 'byte * 10^6',   1908",
        "1,    byte,            1",
        "2048, percent,         2048",
        "2048, 'byte * 2^99',   2048"
    })
    void tellsTheMemoryInMebibytesWhateverItsUnit(String quantity, String unit, String memory) throws IOException {
        items.set(
                0,
                item(
                        4,
                        2,
                        "<rasd:VirtualQuantity>" + quantity + "</rasd:VirtualQuantity><rasd:AllocationUnits>" + unit
                                + "</rasd:AllocationUnits>"));

        assertThat(ovf().get("create-args")).asString().contains("memory=" + memory + ",");
    }

    @ParameterizedTest
    @CsvSource({"10485760, byte", "10240, KiloBytes", "10, MegaBytes", "10, 'byte*2^20'", "10, 'byte * 1024 * 1024'"})
    void tellsTheCapacityOfAPackedDiskWhateverItsUnit(long count, String unit) throws IOException {
        disk(3, at(0), "a.vmdk", capacity(count, unit));

        assertThat(ova().get("disks"))
                .isEqualTo(Map.of("scsi0", Map.of("volid", "store:import/machine.ova/a.vmdk", "size", 10L << 20)));
    }

    @ParameterizedTest
    @CsvSource({
        "qcow2, a.img",
        "qcow2, a.raw",
        "qcow2, a",
        "qcow2, A.QCOW2",
        "qcow2, a.vmdk",
        "vmdk, U.VMDK",
        "vmdk, a.img",
        "vdi, a.vdi",
        "vdi, a.raw",
        "vhdx, a.vhdx",
        "raw, a.qcow2",
        "raw, a"
    })
    void tellsTheSizeOfADiskByItsContentWhateverItIsCalled(String format, String name) throws IOException {
        Qemu.create(imports, "-f", format, name, "9M");
        disk(3, at(0), name, "");

        assertThat(ovf().get("disks"))
                .isEqualTo(Map.of("scsi0", Map.of("volid", "store:import/" + name, "size", 9L << 20)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16LE", "UTF-16BE", "UTF-16", "ISO-8859-1", "UTF-8"})
    void readsAPackedManifestInAnyEncoding(String encoding) throws Exception {
        system = "<Name>m\u00e4chine</Name>" + LINUX;
        disk(3, at(0), "a.vmdk", capacity(1, "byte"));
        String declared = manifest().replace("UTF-8", encoding);
        Path text = Files.writeString(directory.resolve("text"), declared);
        Path encoded = directory.resolve("encoded");
        Qemu.run(directory, List.of("iconv", "-f", "UTF-8", "-t", encoding, "-o", encoded.toString(), text.toString()));
        byte[] bytes = Files.readAllBytes(encoded);
        byte[] mark = encoding.equals("UTF-16LE")
                ? new byte[] {(byte) 0xff, (byte) 0xfe}
                : encoding.equals("UTF-16BE") ? new byte[] {(byte) 0xfe, (byte) 0xff} : new byte[0];
        byte[] manifest = new byte[mark.length + bytes.length];
        System.arraycopy(mark, 0, manifest, 0, mark.length);
        System.arraycopy(bytes, 0, manifest, mark.length, bytes.length);

        Files.write(imports.resolve("a.vmdk"), new byte[512]);
        Map<String, Object> packed = ova("machine.ovf", manifest);
        Files.write(imports.resolve("machine.ovf"), manifest);
        Map<String, Object> plain = plugin.importMetadata(storage, new VolumeName("import/machine.ovf"));

        assertThat(packed.get("create-args")).asString().contains("name=mchine").contains("boot=order=scsi0");
        assertThat(packed.get("create-args")).isEqualTo(plain.get("create-args"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x.OVF", "x.Ovf", "./x.ovf", "sub/x.ovf", "a b.ovf", "-x.ovf"})
    void findsAPackedManifestWhateverItIsCalled(String name) throws IOException {
        if (name.startsWith("-")) {
            ova("ok.ovf", manifest().getBytes(StandardCharsets.UTF_8));
            Files.writeString(directory.resolve("packing").resolve(name), manifest());
            Qemu.run(
                    directory.resolve("packing"),
                    List.of("tar", "-cf", imports.resolve("machine.ova").toString(), "--", name));
            assertThat(plugin.importMetadata(storage, new VolumeName("import/machine.ova")))
                    .containsEntry("type", "vm");
            return;
        }

        assertThat(ova(name, manifest().getBytes(StandardCharsets.UTF_8))).containsEntry("type", "vm");
    }

    @Test
    void takesTheAttributesThatMacOsPutsBesideAManifestForNone() throws IOException {
        ova();
        Path packing = directory.resolve("packing");
        Files.write(packing.resolve("._machine.ovf"), new byte[] {0, 5, 22, 7});
        Qemu.run(
                packing,
                List.of("tar", "-cf", imports.resolve("machine.ova").toString(), "._machine.ovf", "machine.ovf"));

        assertThat(plugin.importMetadata(storage, new VolumeName("import/machine.ova")))
                .containsEntry("type", "vm");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x.xml", "ovf", "x.ovf.bak"})
    void tellsThatAnArchiveHoldsNoManifest(String name) {
        Failing.isRefused(
                () -> ova(name, manifest().getBytes(StandardCharsets.UTF_8)),
                StorageError.NOT_SUPPORTED,
                "unable to read the manifest of 'store:import/machine.ova': the archive holds none");
    }

    @Test
    void tellsAFileThatIsNoArchive() throws IOException {
        Files.writeString(imports.resolve("bad.ova"), "no archive at all, but a text of some length".repeat(100));

        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/bad.ova")),
                StorageError.NOT_SUPPORTED,
                "unable to read the manifest of 'store:import/bad.ova': it is no tar archive");
    }

    @Test
    void tellsAnArchiveThatBreaksOff() throws IOException {
        ova();
        Path archive = imports.resolve("machine.ova");
        byte[] whole = Files.readAllBytes(archive);
        for (int length : List.of(100, 512, 700, 1100, 1600)) {
            Files.write(archive, Arrays.copyOf(whole, length));
            Failing.isRefused(
                    () -> plugin.importMetadata(storage, new VolumeName("import/machine.ova")),
                    StorageError.NOT_SUPPORTED,
                    "unable to read the manifest of 'store:import/machine.ova': ");
        }
    }

    /** Behind a large disk, with a long name, in a directory, from another program: each format of archive. */
    @ParameterizedTest
    @ValueSource(strings = {"v7", "oldgnu", "gnu", "ustar", "posix"})
    void readsEveryFormatOfArchive(String format) throws IOException {
        Path packing = Files.createDirectories(directory.resolve("packing"));
        Qemu.create(packing, "-f", "raw", "first.img", format.equals("v7") || format.equals("ustar") ? "100M" : "9G");
        boolean hasLongNames = format.equals("gnu") || format.equals("oldgnu") || format.equals("posix");
        String name = hasLongNames ? "n".repeat(150) + "/" + "m".repeat(200) + ".OVF" : "sub/machine.ovf";
        Files.createDirectories(packing.resolve(name).resolveSibling("."));
        Files.writeString(packing.resolve(name), manifest());
        Files.createSymbolicLink(packing.resolve("link.ovf"), Path.of("/etc/passwd"));
        Files.createFile(packing.resolve("empty.ovf"));
        Path archive = imports.resolve("machine.ova");
        String tar = "tar --format=" + format + " -cf - ";
        Qemu.run(packing, List.of("bash", "-c", tar + "link.ovf empty.ovf " + name + " >rest"));
        Qemu.run(packing, List.of("bash", "-c", tar + "first.img | head -c 1536 >head; true"));
        // put together by hand, so that the archive has the hole that the disk is
        int headers = format.equals("posix") ? 3 * 512 : 512;
        try (FileChannel channel = FileChannel.open(archive, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(Files.readAllBytes(packing.resolve("head")), 0, headers), 0);
            channel.write(
                    ByteBuffer.wrap(Files.readAllBytes(packing.resolve("rest"))),
                    headers + Files.size(packing.resolve("first.img")));
        }
        Files.delete(packing.resolve("link.ovf"));

        assertThat(plugin.importMetadata(storage, new VolumeName("import/machine.ova")))
                .containsEntry("type", "vm");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../a.vmdk", "/etc/passwd", "sub/a.vmdk", "..", ".", "a;b.vmdk", "ä.vmdk", "a&#10;b.vmdk"})
    void refusesAFileThatIsNotBesideTheManifest(String file) {
        disk(3, at(0), file, "");

        Failing.isRefused(this::ovf, StorageError.UNSAFE_IMAGE, "referenced path '");
        Failing.isRefused(
                this::ova, StorageError.UNSAFE_IMAGE, "is invalid: the manifest of 'store:import/machine.ova'");
    }

    @Test
    void refusesADiskThatIsALinkOutOfTheStorage() throws IOException {
        Files.createSymbolicLink(imports.resolve("a.raw"), Path.of("/etc/hostname"));
        disk(3, at(0), "a.raw", "");

        Failing.isRefused(this::ovf, StorageError.UNSAFE_IMAGE, "error parsing 'a.raw', are you using a symlink ?");
    }

    @Test
    void refusesAManifestThatIsALinkOutOfTheStorage(@TempDir Path elsewhere) throws IOException {
        Path manifest = Files.writeString(elsewhere.resolve("machine.ovf"), manifest());
        Files.createSymbolicLink(imports.resolve("link.ovf"), manifest);

        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/link.ovf")),
                StorageError.UNSAFE_IMAGE,
                "leaves its storage");
    }

    @Test
    void tellsADiskThatIsMissing() {
        disk(3, at(0), "a.vmdk", "");

        Failing.isRefused(
                this::ovf, StorageError.NOT_FOUND, "file seems not to exist at '" + imports.resolve("a.vmdk") + "'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>",
                "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>",
                "<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">"
            })
    void refusesAManifestThatDeclaresADocumentType(String doctype) {
        prolog = doctype;
        system = "<Name>&a;&c;</Name>" + LINUX;

        Failing.isRefused(
                this::ovf,
                StorageError.NOT_SUPPORTED,
                "unable to parse the manifest of 'store:import/machine.ovf': 'DOCTYPE is disallowed");
        Failing.isRefused(
                this::ova,
                StorageError.NOT_SUPPORTED,
                "unable to parse the manifest of 'store:import/machine.ova': 'DOCTYPE is disallowed");
    }

    @ParameterizedTest
    @CsvSource({
        "'',                                                                       end of file",
        "'<Envelope>',                                                             must start and end",
        "'<Envelope/>',                                                            it is no OVF envelope",
        "'<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\"/>',           no single virtual system"
    })
    void tellsWhatIsNoManifest(String text, String why) throws IOException {
        Files.writeString(imports.resolve("bad.ovf"), text);

        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/bad.ovf")),
                StorageError.NOT_SUPPORTED,
                why);
    }

    @Test
    void readsAManifestInAnotherEncoding() throws IOException {
        Files.write(
                imports.resolve("wide.ovf"),
                manifest().replace("UTF-8", "UTF-16").getBytes(StandardCharsets.UTF_16));

        assertThat(plugin.importMetadata(storage, new VolumeName("import/wide.ovf")))
                .containsEntry("type", "vm");
    }

    @Test
    void refusesAManifestOfManyMegabytes() throws IOException {
        Files.write(imports.resolve("big.ovf"), new byte[(16 << 20) + 1]);

        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/big.ovf")),
                StorageError.NOT_SUPPORTED,
                "it is no file of at most 16777216 bytes");
    }

    @Test
    void refusesAnArchiveWithoutAManifest() throws IOException {
        Qemu.run(directory, List.of("tar", "-cf", imports.resolve("empty.ova").toString(), "-T", "/dev/null"));
        Path link = Files.createSymbolicLink(directory.resolve("x.ovf"), Path.of("/etc/passwd"));
        Qemu.run(directory, List.of("tar", "-cf", imports.resolve("link.ova").toString(), "x.ovf"));
        Files.delete(link);

        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/empty.ova")),
                StorageError.NOT_SUPPORTED,
                "unable to read the manifest of 'store:import/empty.ova': the archive holds none");
        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/link.ova")),
                StorageError.NOT_SUPPORTED,
                "the archive holds none");
    }
}
