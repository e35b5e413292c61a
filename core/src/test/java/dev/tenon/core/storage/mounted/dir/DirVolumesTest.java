package dev.tenon.core.storage.mounted.dir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.testing.Failing;
import dev.tenon.core.testing.Qemu;
import dev.tenon.core.testing.Storages;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Listings of all kinds of content. */
class DirVolumesTest {
    @TempDir
    Path directory;

    private final DirPlugin plugin = new DirPlugin();
    private Storage storage = Storages.at(Path.of("/unset"));

    @BeforeEach
    void makeStorage() {
        storage = Storages.at(directory);
    }

    @ParameterizedTest
    @CsvSource({
        "ISO, template/iso, debian.iso, iso",
        "ISO, template/iso, Old.IMG, iso",
        "VZTMPL, template/cache, debian.tar.zst, tzst",
        "VZTMPL, template/cache, debian.tar.gz, tgz",
        "VZTMPL, template/cache, debian.tar.xz, txz",
        "VZTMPL, template/cache, debian.tar.bz2, tbz2",
        "VZTMPL, template/cache, debian.tar, tar",
        "SNIPPETS, snippets, hook.pl, snippet",
        "IMPORT, import, guest.ova, ova",
        "IMPORT, import, guest.ovf, ovf",
        "IMPORT, import, disk.qcow2, qcow2",
        "BACKUP, dump, vzdump-qemu-100-2024_02_29-01_02_03.vma.zst, vma.zst",
        "BACKUP, dump, anything.tgz, tgz",
        "BACKUP, dump, anything.tar.lzo, tar.lzo"
    })
    void listsAFileWithWhatItsNameAndItsStatusTell(ContentType type, String subdir, String name, String format)
            throws IOException {
        Path file = file(subdir + "/" + name, "12345");

        List<ListedVolume> found = list(null, type);

        assertThat(found).hasSize(1);
        ListedVolume volume = found.getFirst();
        assertThat(volume.volume().volid()).isEqualTo(Storages.volume(type.word() + "/" + name));
        assertThat(volume.volume().format().word()).isEqualTo(format);
        assertThat(volume.volume().size()).extracting("bytes").isEqualTo(5L);
        assertThat(volume.content()).isEqualTo(type);
        if (!name.startsWith("vzdump")) {
            assertThat(volume.volume().ctime()).isEqualTo(changeTime(file));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ContentType.class,
            names = {"ISO", "VZTMPL", "SNIPPETS", "IMPORT", "BACKUP"})
    void listsOnlyFilesOfItsKind(ContentType type) throws IOException {
        String subdir = Path.of("/")
                .relativize(Path.of(plugin.getSubdir(Storages.at(Path.of("/")), type)))
                .toString();
        for (String name : List.of(".hidden.iso", ".hidden.tgz", "-o.iso", "-o.tgz", "line\nfeed.iso", ".tenon-1")) {
            file(subdir + "/" + name, "x");
        }
        Files.createDirectories(directory.resolve(subdir).resolve("directory.tar.gz"));
        Files.createDirectories(directory.resolve(subdir).resolve("directory.iso"));
        Files.createDirectories(directory.resolve(subdir).resolve("directory.ova"));
        Files.createSymbolicLink(directory.resolve(subdir).resolve("nowhere.tgz"), directory.resolve("nowhere"));
        if (type != ContentType.SNIPPETS) {
            file(subdir + "/README", "x");
            file(subdir + "/vzdump-qemu-100-2024_02_29-01_02_03.vma.zst.notes", "x");
        }

        assertThat(list(null, type)).isEmpty();
    }

    @Test
    void tellsWhatIsKnownOfABackup() throws IOException {
        String name = "vzdump-lxc-105-2024_02_29-01_02_03.tar.zst";
        file("dump/" + name, "x");
        file("dump/" + name + ".notes", "first l\u00efne\nsecond line\n");
        file("dump/" + name + ".protected", "");

        ListedVolume backup = list(null, ContentType.BACKUP).getFirst();

        assertThat(backup.subtype()).isEqualTo("lxc");
        assertThat(backup.volume().owner()).isEqualTo(new Vmid(105));
        assertThat(backup.volume().ctime())
                .isEqualTo(LocalDateTime.of(2024, 2, 29, 1, 2, 3)
                        .atZone(ZoneId.systemDefault())
                        .toEpochSecond());
        assertThat(backup.notes()).isEqualTo("first l\u00efne");
        assertThat(backup.isProtected()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "vzdump-qemu-100-mine.vma, qemu, 100",
        "vzdump-openvz-100-2024_02_29-01_02_03.tgz, openvz, 100",
        "my-200-backup.tar, unknown, 200",
        "mine.tar, unknown,",
        "vzdump-qemu-100-2023_02_29-01_02_03.vma, unknown, 100",
        "vzdump-qemu-99-2024_02_29-01_02_03.vma, qemu,"
    })
    void tellsWhatTheNameOfABackupTells(String name, String subtype, @Nullable Long owner) throws IOException {
        file("dump/" + name, "x");

        ListedVolume backup = list(null, ContentType.BACKUP).getFirst();

        assertThat(backup.subtype()).isEqualTo(subtype);
        assertThat(backup.volume().owner()).isEqualTo(owner == null ? null : new Vmid(owner));
        assertThat(backup.notes()).isNull();
        assertThat(backup.isProtected()).isFalse();
    }

    /** As PVE does: what cannot be UTF-8 is characters of one byte each. */
    @Test
    void readsNotesThatAreNotUtf8() throws IOException {
        file("dump/a.tgz", "x");
        Files.write(directory.resolve("dump/a.tgz.notes"), "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));

        assertThat(list(null, ContentType.BACKUP).getFirst().notes()).isEqualTo("caf\u00e9");
    }

    @Test
    void doesNotReadNotesThroughALink(@TempDir Path elsewhere) throws IOException {
        file("dump/a.tgz", "x");
        Path secret = Files.writeString(elsewhere.resolve("secret"), "secret");
        Path link = Files.createSymbolicLink(directory.resolve("dump/a.tgz.notes"), secret);

        assertThat(list(null, ContentType.BACKUP).getFirst().notes()).isNull();
        Files.delete(link);
    }

    @Test
    void listsForAGuestWhatIsItsOwnOrNobodys() throws IOException {
        file("template/iso/a.iso", "x");
        file("template/cache/a.tar.gz", "x");
        file("snippets/a", "x");
        file("import/a.ova", "x");
        file("dump/vzdump-qemu-100-2024_02_29-01_02_03.vma", "x");
        file("dump/vzdump-qemu-1001-2024_02_29-01_02_03.vma", "x");
        file("dump/copy-of-100-old.tgz", "x");
        file("dump/-100-.tgz", "x");
        file("images/100/vm-100-disk-0.raw", "x");
        file("images/101/vm-101-disk-0.raw", "x");

        assertThat(list(new Vmid(100), EnumSet.allOf(ContentType.class).toArray(ContentType[]::new)))
                .extracting(volume -> volume.volume().volid().volume().value())
                .containsExactlyInAnyOrder(
                        "snippets/a",
                        "import/a.ova",
                        "backup/vzdump-qemu-100-2024_02_29-01_02_03.vma",
                        "backup/copy-of-100-old.tgz",
                        "100/vm-100-disk-0.raw");
    }

    @Test
    void listsASubvolumeAsTheRootDirectoryOfAContainer() throws IOException {
        Qemu.create(Files.createDirectories(directory.resolve("images/100")), "-f", "qcow2", "a.qcow2", "3M");
        Files.createDirectories(directory.resolve("images/200/subvol-200-disk-0.subvol"));

        assertThat(list(null, ContentType.IMAGES))
                .extracting(volume -> volume.volume().volid().volume().value())
                .containsExactly("100/a.qcow2");
        assertThat(list(null, ContentType.ROOTDIR))
                .extracting(volume -> volume.volume().volid().volume().value())
                .containsExactly("200/subvol-200-disk-0.subvol");
        assertThat(list(null, ContentType.IMAGES, ContentType.ROOTDIR))
                .extracting(ListedVolume::content)
                .containsExactly(ContentType.IMAGES, ContentType.ROOTDIR);
    }

    /** What PVE's list of guests says decides, whatever the image looks like. */
    @ParameterizedTest
    @CsvSource({
        "lxc, vm-200-disk-0.raw, ROOTDIR",
        "lxc, subvol-200-disk-0.subvol, ROOTDIR",
        "lxc, vm-200-disk-0.qcow2, ROOTDIR",
        "qemu, vm-200-disk-0.raw, IMAGES",
        "qemu, subvol-200-disk-0.subvol, IMAGES",
        "unknown, vm-200-disk-0.raw, IMAGES",
        "unknown, subvol-200-disk-0.subvol, IMAGES"
    })
    void listsAnImageAsWhatItsGuestIs(String guest, String image, ContentType content) throws IOException {
        Path guests = Files.writeString(directory.resolve("vmlist"), """
            {
            "version": 3,
            "ids": {
            "100": { "node": "one", "type": "qemu", "version": 1 },
            "%s": {"type":"%s","node": "lxc","version": 2 },
            "2000": { "node": "one", "type": "lxc", "version": 3 }}

            }
            """.formatted(
                        guest.equals("unknown") ? "201" : "200", guest.equals("unknown") ? "lxc" : guest));
        DirPlugin knowing = new DirPlugin(Path.of("/proc/mounts"), guests);
        Path images = Files.createDirectories(directory.resolve("images/200"));
        if (image.endsWith(".subvol")) {
            Files.createDirectory(images.resolve(image));
        } else {
            Qemu.create(images, "-f", image.substring(image.lastIndexOf('.') + 1), image, "1M");
        }

        assertThat(knowing.listVolumes(storage, null, EnumSet.of(ContentType.IMAGES, ContentType.ROOTDIR)))
                .extracting(ListedVolume::content)
                .containsExactly(content);
        assertThat(knowing.listVolumes(storage, new Vmid(200), EnumSet.of(content)))
                .hasSize(1);
        assertThat(knowing.listVolumes(storage, null, EnumSet.complementOf(EnumSet.of(content))))
                .isEmpty();
    }

    @Test
    void findsNothingWhereThereAreNoDirectories() {
        assertThat(list(null, EnumSet.allOf(ContentType.class).toArray(ContentType[]::new)))
                .isEmpty();
    }

    @Test
    void failsIfTheStorageIsMissing() {
        Storage missing = Storages.at(directory.resolve("missing"));

        Failing.isRefused(
                () -> plugin.listVolumes(missing, null, Set.of(ContentType.ISO)),
                StorageError.STORAGE_UNAVAILABLE,
                "unable to list content 'iso' of storage 'store'");
    }

    private List<ListedVolume> list(@Nullable Vmid owner, ContentType... content) {
        return plugin.listVolumes(storage, owner, Set.of(content));
    }

    private Path file(String path, String content) throws IOException {
        Path file = directory.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private static @Nullable Long changeTime(Path file) throws IOException {
        return ((FileTime) Files.getAttribute(file, "unix:ctime")).to(TimeUnit.SECONDS);
    }
}
