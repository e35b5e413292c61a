package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.ListedVolume;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which volumes are listed, and what of them. */
@OfProfile(Profile.CORE)
interface ListingContract extends Contract {
    @Test
    @Check(calls = "list_images", otherwise = "Do not trust lists of this storage.")
    default void anEmptyStorageHasNoImages() {
        assertThat(images().names()).isEmpty();
        assertThat(images().namesOf(Images.newGuest())).isEmpty();
        assertThat(images().names(new ImageFilter.Named(List.of()))).isEmpty();
    }

    @Test
    @Check(
            calls = "list_images",
            otherwise = "Look at the owner of each listed volume: destroying a guest removes what is listed for it.")
    default void aGuestsImagesAreListedAlone() {
        Vmid one = Images.newGuest();
        Vmid other = Images.newGuest();
        VolumeName ofOne = images().make(one, images().anyFormat());
        VolumeName ofOther = images().make(other, images().anyFormat());
        assertThat(images().names()).containsExactlyInAnyOrder(ofOne, ofOther);
        assertThat(images().namesOf(one)).containsExactly(ofOne);
        assertThat(images().namesOf(other)).containsExactly(ofOther);
        assertThat(images().namesOf(new Vmid(one.value() / 10))).isEmpty();
        assertThat(images().namesOf(Images.newGuest())).isEmpty();
    }

    @Test
    @Check(calls = "list_images", otherwise = "List everything and choose yourself.")
    default void namedImagesAreListedAsFarAsTheyAreThere() {
        VolumeName one = images().make(Images.newGuest(), images().anyFormat());
        VolumeName other = images().make(Images.newGuest(), images().anyFormat());
        VolumeName missing = images().missing(images().anyFormat());
        VolumeId foreign = new VolumeId(new StorageId("elsewhere"), other);
        assertThat(images().names(named(images().volid(one)))).containsExactly(one);
        assertThat(images().names(named(images().volid(one), images().volid(missing), foreign)))
                .containsExactly(one);
        assertThat(images().names(named(foreign))).isEmpty();
        assertThat(images().names(named(images().volid(other), images().volid(one))))
                .containsExactlyInAnyOrder(one, other);
    }

    private static ImageFilter named(VolumeId... volumes) {
        return new ImageFilter.Named(List.of(volumes));
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"list_images", "volume_size_info"},
            otherwise = "Ask the volume itself for its size and format before it is copied.")
    default void aListingTellsWhatTheVolumeItselfTells(Format.Image format) {
        requires(format);
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, format);
        SizeInfo info = images().info(volume);
        assertThat(images().list(new ImageFilter.OfGuest(guest)))
                .singleElement()
                .satisfies(image -> {
                    assertThat(image.volid()).isEqualTo(images().volid(volume));
                    assertThat(image.owner()).isEqualTo(guest);
                    assertThat(image.format()).isEqualTo(format);
                    assertThat(image.size()).isEqualTo(info.size());
                    assertThat(image.parent()).isEqualTo(info.parent());
                });
    }

    @Test
    @Check(
            calls = "list_images",
            otherwise = "Keep other files out of the directory: one of them makes the whole list fail.")
    default void whatIsNoVolumeIsNotListed() throws IOException {
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, images().anyFormat());
        Path file = Path.of(
                subject().plugin().path(subject().storage(), volume, null).path());
        requires(Files.isRegularFile(file), "keeps its volumes where there are no other files");
        List<Path> strays = Stream.of("notes.txt", "a b.raw", ".vm-" + guest + "-disk-9.raw.part")
                .map(file::resolveSibling)
                .toList();
        try {
            for (Path stray : strays) {
                Files.writeString(stray, "no volume");
            }
            assertThat(images().namesOf(guest)).containsExactly(volume);
            assertThat(images().names()).containsExactly(volume);
        } finally {
            for (Path stray : strays) {
                Files.deleteIfExists(stray);
            }
        }
    }

    @Test
    @Check(calls = "list_volumes", otherwise = "List images by list_images.")
    default void theVolumesOfTheStorageAreItsImages() {
        Vmid guest = Images.newGuest();
        VolumeName volume = images().make(guest, images().anyFormat());
        Set<ContentType> content = EnumSet.of(ContentType.IMAGES, ContentType.ROOTDIR);
        assertThat(subject().plugin().listVolumes(subject().storage(), guest, content))
                .extracting(ListedVolume::volume)
                .extracting(image -> image.volid().volume())
                .containsExactly(volume);
        assertThat(subject().plugin().listVolumes(subject().storage(), Images.newGuest(), content))
                .isEmpty();
    }
}
