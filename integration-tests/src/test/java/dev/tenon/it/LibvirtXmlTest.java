package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import dev.tenon.libvirt.PoolXml;
import dev.tenon.libvirt.StorageDefinition;
import dev.tenon.libvirt.VolumeXml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools and volumes as XML, judged by libvirt's own schemas and by its own {@code virsh}, whose test driver takes them. */
class LibvirtXmlTest {
    private static final String INITIATOR = "iqn.1993-08.org.debian:01:abcdef";
    private static final StorageStatus ACTIVE = new StorageStatus.Active(
            ByteSize.ofBytes(1L << 40), ByteSize.ofBytes(1L << 39), ByteSize.ofBytes(1L << 38));

    private static Stream<Storage> pools() {
        return Stream.of(
                Storage.of("files", "dir", Map.of("path", "/srv/with space & <more>")),
                Storage.of("nas", "nfs", Map.of("server", "10.0.0.9", "export", "/srv/x", "path", "/mnt/pve/nas")),
                Storage.of(
                        "nas6",
                        "nfs",
                        Map.of(
                                "server",
                                "fd00::9",
                                "export",
                                "/srv/x",
                                "path",
                                "/mnt/pve/nas6",
                                "options",
                                "vers=4.1,soft")),
                Storage.of("win", "cifs", Map.of("server", "win.example", "share", "data", "path", "/mnt/pve/win")),
                Storage.of("thick", "lvm", Map.of("vgname", "vg0")),
                Storage.of("tank", "zfspool", Map.of("pool", "tank/data")),
                Storage.of(
                        "ceph",
                        "rbd",
                        Map.of("pool", "vms", "monhost", "10.0.0.1,10.0.0.2:6789,[fd00::1]:3300", "username", "vm")),
                Storage.of("lun", "iscsi", Map.of("portal", "10.0.0.7:3260", "target", "iqn.2003-01.org.example:disk")),
                Storage.of(
                        "lun-direct",
                        "iscsidirect",
                        Map.of("portal", "10.0.0.7", "target", "iqn.2003-01.org.example:disk")));
    }

    private static String virsh(String commands) {
        return Command.of("virsh", "-q", "-c", "test:///default", commands).run();
    }

    private static Path written(Scratch scratch, String document) throws IOException {
        return Files.writeString(scratch.file("document.xml"), document);
    }

    private static void validate(Path document, String schema) {
        assertThat(Command.of("virt-xml-validate", document.toString(), schema)
                        .end()
                        .exitCode())
                .as("what libvirt's schema says of %s", document)
                .isZero();
    }

    private static StorageDefinition read(String document) {
        return PoolXml.read(document.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void theSchemaIsStrict(Scratch scratch) throws IOException {
        Path document = written(scratch, "<pool type='dir'><name>a1</name><target><frob/></target></pool>");

        assertThat(Command.of("virt-xml-validate", document.toString(), "storagepool")
                        .end()
                        .exitCode())
                .isNotZero();
    }

    @ParameterizedTest
    @MethodSource("pools")
    void aPoolIsValidAndDescribesTheSameStorage(Storage storage, Scratch scratch) throws IOException {
        for (StorageStatus status : List.of(ACTIVE, new StorageStatus.Inactive())) {
            String pool = PoolXml.write(storage, status, INITIATOR);

            validate(written(scratch, pool), "storagepool");
            assertThat(read(pool))
                    .isEqualTo(
                            new StorageDefinition(storage.id(), storage.config().type(), texts(storage), List.of()));
        }
        assertThat(PoolXml.unsaid(storage)).isEmpty();
    }

    private static Map<String, String> texts(Storage storage) {
        return Map.copyOf(storage.config().properties().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> (String) entry.getValue())));
    }

    @ParameterizedTest
    @MethodSource("pools")
    void libvirtTakesAPoolAndWhatItTellsOfItIsTheSameStorage(Storage storage, Scratch scratch) throws IOException {
        Path pool = written(scratch, PoolXml.write(storage, ACTIVE, INITIATOR));

        String told = virsh("pool-define " + pool + "; pool-dumpxml " + storage.id());

        StorageDefinition back = read(told.substring(told.indexOf("<pool")));
        assertThat(back.id()).isEqualTo(storage.id());
        assertThat(back.type()).isEqualTo(storage.config().type());
        // The test driver does not keep what belongs to a kind of pool alone.
        assertThat(texts(storage)).containsAllEntriesOf(back.properties());
        assertThat(back.properties()).containsAllEntriesOf(without(texts(storage), "options"));
    }

    private static Map<String, String> without(Map<String, String> all, String property) {
        Map<String, String> rest = new HashMap<>(all);
        rest.remove(property);
        return rest;
    }

    @Test
    void aThinPoolIsThePoolOfItsVolumeGroup(Scratch scratch) throws IOException {
        Storage thin = Storage.of("thin", "lvmthin", Map.of("vgname", "vg0", "thinpool", "data", "content", "images"));

        String pool = PoolXml.write(thin, ACTIVE, "");

        validate(written(scratch, pool), "storagepool");
        assertThat(PoolXml.unsaid(thin)).containsExactly("content", "thinpool");
        assertThat(read(pool).type()).isEqualTo("lvm");
    }

    @ParameterizedTest
    @ValueSource(strings = {"btrfs", "cephfs", "storpool", "pbs", "esxi", "zfs", "glusterfs"})
    void aStorageThatLibvirtHasNoPoolForIsRefusedByItsType(String type) {
        Storage storage = Storage.of("other", type, Map.of("path", "/srv"));

        assertThatThrownBy(() -> PoolXml.write(storage, ACTIVE, ""))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.NOT_SUPPORTED))
                .hasMessageContaining("storage 'other', which is of type '" + type + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"fs", "disk", "scsi", "mpath", "sheepdog", "gluster", "vstorage", "frob", ""})
    void aPoolThatPveHasNoStorageForIsRefusedByItsType(String type) {
        assertThatThrownBy(() -> read("<pool type='" + type + "'><name>other</name></pool>"))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.NOT_SUPPORTED))
                .hasMessageContaining("a pool of type '" + type + "'");
    }

    @Test
    void whatAPoolMustSayAndAStorageLacksIsNamed() {
        assertThatThrownBy(() -> PoolXml.write(Storage.of("lun", "iscsidirect", Map.of()), ACTIVE, ""))
                .hasMessageContaining("says the iSCSI name of this node");
        assertThatThrownBy(() -> PoolXml.write(Storage.of("ceph", "rbd", Map.of()), ACTIVE, ""))
                .hasMessageContaining("storage 'ceph' has no 'monhost'");
        assertThatThrownBy(() ->
                        PoolXml.write(Storage.of("ceph", "rbd", Map.of("namespace", "a", "monhost", "x")), ACTIVE, ""))
                .hasMessageContaining("is in an RBD namespace");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<pool type='dir'><name>a1</name></pool> | the pool has no 'target/path'",
                "<pool type='dir'><target><path>/x</path></target></pool> | the pool has no name",
                "<pool type='dir'><name>a/b</name><target><path>/x</path></target></pool> | a/b",
                "<pool type='netfs'><name>a1</name><source><dir path='/x'/></source></pool> | no 'source/host/@name'",
                "<pool type='netfs'><name>a1</name><source><format type='glusterfs'/></source></pool> | 'glusterfs'",
                "<volume/> | the document is a 'volume', and not a 'pool'",
                "<pool | this is no XML",
                "<!DOCTYPE pool [<!ENTITY e 'x'>]><pool type='dir'><name>&e;</name></pool> | this is no XML"
            })
    void aPoolThatDescribesNoStorageIsRefusedWithTheReason(String document, String reason) {
        assertThatThrownBy(() -> read(document))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void whatAStorageCannotHaveIsTold() {
        assertThat(read("""
                        <pool type='dir'>
                          <name>files</name>
                          <uuid>c2d52087-9a7a-48e3-8c7f-dd2e6ef084cb</uuid>
                          <features><cow state='no'/></features>
                          <target><path>/srv</path><permissions><mode>0700</mode></permissions></target>
                        </pool>
                        """).left()).containsExactly("features", "target/permissions");
    }

    private static Stream<SizeInfo> volumes() {
        return Stream.of(
                info(Format.Image.RAW, null),
                info(Format.Image.QCOW2, "../100/base-100-disk-0.qcow2"),
                info(Format.Image.VMDK, "base-100-disk-0@__base__"),
                info(Format.Image.SUBVOL, null),
                info(Format.ofWord("iso"), null),
                info(Format.ofWord("vma.zst"), null),
                new SizeInfo(null, Format.Image.RAW, null, null, null));
    }

    private static SizeInfo info(Format format, @Nullable String parent) {
        return new SizeInfo(ByteSize.ofBytes(1L << 30), format, ByteSize.ofBytes(4096), parent, 1_700_000_000L);
    }

    @ParameterizedTest
    @MethodSource("volumes")
    void aVolumeIsValid(SizeInfo info, Scratch scratch) throws IOException {
        for (String path :
                List.of("/srv/images/100/vm-100-disk-0.raw", "/dev/vg0/vm-100-disk-0", "rbd:vms/vm-100-disk-0")) {
            String volume = VolumeXml.write(new VolumeName("100/vm-100-disk-0"), path, info);

            validate(written(scratch, volume), "storagevol");
            assertThat(volume.contains("<backingStore>"))
                    .isEqualTo(info.format() == Format.Image.QCOW2 && path.startsWith("/"));
        }
    }

    @Test
    void libvirtTakesAVolumeAndWhatItTellsOfItIsTheSameVolume(Scratch scratch) throws IOException {
        Path volume = written(
                scratch,
                VolumeXml.write(
                        new VolumeName("100/vm-100-disk-0.qcow2"),
                        "/srv/images/100/vm-100-disk-0.qcow2",
                        info(Format.Image.QCOW2, null)));

        String told =
                virsh("vol-create default-pool " + volume + "; vol-dumpxml vm-100-disk-0.qcow2 --pool default-pool");

        assertThat(VolumeXml.read(told.substring(told.indexOf("<volume")).getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(new VolumeXml.Wanted(
                        "vm-100-disk-0.qcow2", new Vmid(100), Format.Image.QCOW2, ByteSize.ofBytes(1L << 30)));
    }

    @ParameterizedTest
    @CsvSource({
        "1,, 1",
        "7, B, 7",
        "7, bytes, 7",
        "1, KB, 1000",
        "1, K, 1024",
        "1, KiB, 1024",
        "3, MB, 3000000",
        "3, M, 3145728",
        "2, G, 2147483648",
        "2, TiB, 2199023255552",
        "7, E, 8070450532247928832"
    })
    void sizesHaveLibvirtsUnits(String number, @Nullable String unit, long bytes) {
        String attribute = unit == null ? "" : " unit='" + unit + "'";
        String volume = "<volume><name>vm-100-disk-0</name><capacity" + attribute + ">" + number
                + "</capacity><target/></volume>";

        assertThat(VolumeXml.read(volume.getBytes(StandardCharsets.UTF_8)).capacity())
                .isEqualTo(ByteSize.ofBytes(bytes));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "<name>vm-100-disk-0</name> | the volume has no 'capacity'",
                "<capacity>1</capacity> | the volume has no 'name'",
                "<name>disk</name><capacity>1</capacity> | 'disk' does not say the guest",
                "<name>vm-100-disk-0</name><capacity unit='furlong'>1</capacity> | '1 furlong' is no size",
                "<name>vm-100-disk-0</name><capacity unit='E'>8</capacity> | '8 e' is not between 1 byte and 8 EiB",
                "<name>vm-100-disk-0</name><capacity>0</capacity> | is not between 1 byte",
                "<name>vm-100-disk-0</name><capacity>-1</capacity> | '-1 bytes' is no size",
                "<name>vm-100-disk-0</name><capacity>1</capacity><target><format type='vdi'/></target> | 'vdi'",
                "<name>vm-100-disk-0</name><capacity>1</capacity><target><encryption/></target> | encrypted",
                "<name>vm-100-disk-0</name><capacity>1</capacity><backingStore><path>/x</path></backingStore> | clone"
            })
    void aVolumeThatCannotBeMadeIsRefusedWithTheReason(String elements, String reason) {
        byte[] document = ("<volume>" + elements + "</volume>").getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> VolumeXml.read(document))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void aPoolThatSaysNoUserOfItsClusterIsNotGivenAwaySilently(Scratch scratch) throws IOException {
        StorageCommands tenon = new StorageCommands(scratch);
        tenon.write("rbd: ceph\n\tpool vms\n\tmonhost 127.0.0.1\n\tcontent images\n\tdisable\n\n");

        TenonCommand dumped = tenon.run("libvirt", "pool-dumpxml", "ceph");

        validate(written(scratch, dumped.said()), "storagepool");
        assertThat(dumped.said()).doesNotContain("<auth");
        assertThat(dumped.errors())
                .contains("storage 'ceph' has neither a 'username' nor a keyring '/etc/pve/priv/ceph/ceph.keyring'");
    }

    @Test
    void theCommandsWriteAndMakeStoragesAndVolumes(Scratch scratch) throws IOException {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        TenonCommand dumped = tenon.run("libvirt", "pool-dumpxml", "fast");
        assertThat(dumped.errors()).isEqualTo("the pool does not say the storage's content\n");
        validate(written(scratch, dumped.said()), "storagepool");

        Path other = Files.createDirectory(scratch.file("other"));
        Path pool = written(
                scratch,
                dumped.said()
                        .replace(scratch.storage().toString(), other.toString())
                        .replace("fast", "slow"));
        assertThat(tenon.said("libvirt", "define", pool.toString())).isEmpty();
        assertThat(tenon.written()).contains("dir: slow\n\tpath " + other + "\n");
        assertThat(tenon.run("libvirt", "define", pool.toString()).errors()).contains("'slow' already defined");

        String volume = tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "8M", "--format", "qcow2");
        Path description = written(scratch, tenon.said("libvirt", "vol-dumpxml", volume));
        validate(description, "storagevol");
        assertThat(tenon.line("libvirt", "define", description.toString(), "--storage", "slow"))
                .isEqualTo("slow:100/vm-100-disk-0.qcow2");
        assertThat(other.resolve("images/100/vm-100-disk-0.qcow2")).isRegularFile();
        assertThat(tenon.run("libvirt", "define", description.toString()).status())
                .as("a volume where a pool is wanted")
                .isOne();
        assertThat(tenon.run("libvirt", "define", scratch.file("none").toString())
                        .errors())
                .contains("there is no file");
    }
}
