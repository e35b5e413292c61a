package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.list;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** An image whose header names a file of the host is told, listed and freed, and never used. */
@TestInstance(Lifecycle.PER_CLASS)
class HostileImagesTest {
    private static final String NAME = "100/vm-100-disk-9.qcow2";
    private static final String SECRET = "a secret of the host\n".repeat(1000);

    private final ScratchStorage storage;
    private final Path outside;
    private final PerlCaller perl;
    private final Map<String, Object> scfg;

    HostileImagesTest(Scratch scratch) {
        storage = ScratchStorage.create(scratch);
        outside = scratch.file("outside.raw");
        scfg = storage.section("tenondir");
        DaemonProcess.start(scratch);
        perl = PerlCaller.start(scratch);
    }

    @BeforeEach
    void theOutsideFileHasItsSecret() throws IOException {
        Files.writeString(outside, SECRET);
    }

    /** An image that is based on something which qemu-img does not look at. */
    private Path basedOn(String name, String backing, String format) {
        return storage.image(name, "-u", "-f", "qcow2", "-F", format, "-b", backing, "1048576");
    }

    private static String outsideOf(String name, Path image, String shown) {
        return "volume 'nas:" + name + "' is not safe to use because of '" + image + "': it is based on '" + shown
                + "', which is not a file of its storage; copy its contents into a new image, or free it\n";
    }

    private void refusedListedAndFreed(Path image, String sentence) throws IOException {
        refusedListedAndFreed(NAME, image, sentence);
    }

    private void refusedListedAndFreed(String name, Path image, String sentence) throws IOException {
        FileTime before = Files.getLastModifiedTime(outside);
        assertThat(perl.list("volume_size_info", scfg, ID, name).died()).isEqualTo(sentence);
        assertThat(perl.scalar("volume_size_info", scfg, ID, name, 5).died()).isEqualTo(sentence);
        assertThat(perl.scalar("activate_volume", ID, scfg, name, null, Map.of())
                        .died())
                .isEqualTo(sentence);
        assertThat(image).exists();
        assertThat(perl.scalar("list_images", ID, scfg, 100, null, Map.of()).value())
                .asInstanceOf(list(Map.class))
                .extracting(entry -> entry.get("volid"))
                .contains(ID + ":" + name, ID + ":" + ScratchStorage.RAW);
        long neighbours = neighbours(image);

        assertThat(perl.scalar("free_image", ID, scfg, name, 0, "qcow2").value())
                .isNull();

        assertThat(image).doesNotExist();
        assertThat(neighbours(image)).isEqualTo(neighbours - 1);
        assertThat(outside).hasContent(SECRET);
        assertThat(Files.getLastModifiedTime(outside)).isEqualTo(before);
    }

    private static long neighbours(Path image) throws IOException {
        try (var files = Files.list(image.getParent())) {
            return files.count();
        }
    }

    @Test
    void anImageThatKeepsItsDataInAnotherFileIsRefused() throws IOException {
        Path image = storage.image(NAME, "-f", "qcow2", "-o", "data_file=" + outside, "1048576");
        theOutsideFileHasItsSecret(); // qemu-img has made it anew
        refusedListedAndFreed(
                image,
                "volume 'nas:" + NAME + "' is not safe to use because of '" + image
                        + "': it keeps its data in another file, '" + outside
                        + "'; convert it to an image without an external data file, or free it\n");
    }

    @Test
    void anImageThatIsBasedOnAFileOfTheHostIsRefused() throws IOException {
        Path image = basedOn(NAME, outside.toString(), "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, outside.toString()));
    }

    @Test
    void anImageThatIsBasedOnAFileOfTheHostByAWayUpIsRefused() throws IOException {
        Path image = basedOn(NAME, "../../../outside.raw", "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, "../../../outside.raw"));
    }

    @Test
    void anImageThatIsBasedOnJsonIsRefused() throws IOException {
        String json = "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"" + outside + "\"}}";
        Path image = basedOn(NAME, json, "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, json));
    }

    @Test
    void anImageThatIsBasedOnAServerIsRefused() throws IOException {
        Path image = basedOn(NAME, "nbd:unix:" + outside + ":exportname=x", "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, "nbd:unix:" + outside + ":exportname=x"));
        image = basedOn(NAME, "nbd://127.0.0.1:1/x", "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, "nbd://127.0.0.1:1/x"));
    }

    @Test
    void anImageThatIsBasedOnALinkOutOfItsStorageIsRefused() throws IOException {
        Path link = Files.createSymbolicLink(storage.image("100/vm-100-disk-8.raw"), outside);
        Path image = basedOn(NAME, "vm-100-disk-8.raw", "raw");
        refusedListedAndFreed(image, outsideOf(NAME, image, "vm-100-disk-8.raw"));
        assertThat(perl.list("volume_size_info", scfg, ID, "100/vm-100-disk-8.raw")
                        .died())
                .isEqualTo("volume 'nas:100/vm-100-disk-8.raw' leaves its storage: '" + link + "' leads to '" + outside
                        + "'; remove the symbolic link if it is not wanted, or move its target into the storage\n");
        Files.delete(link);
    }

    @Test
    void aCloneWhoseBaseIsBasedOnAFileOfTheHostIsRefused() throws IOException {
        Path base = basedOn("9001/base-9001-disk-0.qcow2", outside.toString(), "raw");
        Path clone = basedOn(NAME, "../9001/base-9001-disk-0.qcow2", "qcow2");
        String name = "9001/base-9001-disk-0.qcow2/" + NAME;
        refusedListedAndFreed(name, clone, outsideOf(name, base, outside.toString()));
        assertThat(base).exists();
    }

    @Test
    void aRawImageThatBeginsLikeAHostileOneIsOnlyBytes() throws IOException {
        Path hostile = basedOn(NAME, outside.toString(), "raw");
        String name = "100/vm-100-disk-7.raw";
        Files.move(hostile, storage.image(name));
        assertThat(perl.list("volume_size_info", scfg, ID, name).list())
                .element(1)
                .isEqualTo("raw");
        assertThat(perl.list("volume_size_info", scfg, ID, name).list())
                .element(3)
                .isNull();
        assertThat(perl.list("activate_volume", ID, scfg, name, null, Map.of()).list())
                .isEmpty();
        assertThat(perl.scalar("free_image", ID, scfg, name, 0, "raw").value()).isNull();
        assertThat(outside).hasContent(SECRET);
    }
}
