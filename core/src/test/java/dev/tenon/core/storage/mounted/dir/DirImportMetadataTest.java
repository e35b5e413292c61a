package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests to be imported, as their OVF manifests describe them. */
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
        Path packing = Files.createDirectories(directory.resolve("packing"));
        Files.writeString(packing.resolve("machine.ovf"), manifest());
        Files.writeString(packing.resolve("a.vmdk"), "never looked at");
        Qemu.run(packing, List.of("tar", "-cf", imports.resolve("machine.ova").toString(), "a.vmdk", "machine.ovf"));
        return plugin.importMetadata(storage, new VolumeName("import/machine.ova"));
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
                StorageError.COMMAND_FAILED,
                "unable to read the manifest of 'store:import/empty.ova'");
        Failing.isRefused(
                () -> plugin.importMetadata(storage, new VolumeName("import/link.ova")),
                StorageError.NOT_SUPPORTED,
                "the archive holds none");
    }
}
