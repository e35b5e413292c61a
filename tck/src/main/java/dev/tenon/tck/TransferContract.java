package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorExport;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Volumes leave as streams, and arrive. */
@OfProfile(Profile.STREAMS)
interface TransferContract extends Contract {
    Transfer AS_IT_IS = new Transfer(null, null, false);

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"volume_export", "volume_import", "volume_export_formats", "volume_import_formats"},
            otherwise = "Move guests with qemu-img or a backup; offline migration loses data.")
    default void aVolumeThatLeavesArrivesWithItsContentInEveryFormatOfStream(Format.Image format) throws IOException {
        VolumeName volume = leaving(format);
        for (String stream : streams(volume, format)) {
            Format.Image arrives = arriving(stream, format);
            VolumeName wanted = images().missing(arrives);
            Path file = exported(volume, stream);
            try {
                VolumeId imported = imported(file, wanted, stream, false);
                if (!subject().abilities().has(Abilities.Habit.NAMES_BY_ITSELF)) {
                    assertThat(imported).isEqualTo(images().volid(wanted));
                }
                VolumeName arrived = imported.volume();
                assertThat(images().bytes(arrived)).isEqualTo(images().bytes(volume));
                assertThat(images().info(arrived).format()).isEqualTo(arrives);
                images().isFilled(arrived, 41);
                images().fill(arrived, 42);
                images().isFilled(volume, 41);
                images().free(arrived);
            } finally {
                Files.delete(file);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = "volume_import",
            otherwise =
                    "Look whether the name is listed on the target before a guest is migrated: its content would be lost.")
    default void whatArrivesReplacesNothingAndTakesAnotherNameOnlyIfThatIsAllowed(Format.Image format)
            throws IOException {
        VolumeName volume = leaving(format);
        String stream = streams(volume, format).getFirst();
        VolumeName taken = images().make(Images.newGuest(), arriving(stream, format));
        images().fill(taken, 43);
        Path file = exported(volume, stream);
        try {
            failing().clean(() -> imported(file, taken, stream, false), StorageError.ALREADY_EXISTS);
            images().isFilled(taken, 43);
            assertThat(images().names()).containsExactlyInAnyOrder(volume, taken);
            VolumeName other = imported(file, taken, stream, true).volume();
            assertThat(images().names()).containsExactlyInAnyOrder(volume, taken, other);
            images().isFilled(taken, 43);
            images().isFilled(other, 41);
        } finally {
            Files.delete(file);
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "volume_import", otherwise = "Look for a half volume after a migration that failed, and free it.")
    default void aStreamThatEndsTooEarlyMakesNoVolume(Format.Image format) throws IOException {
        VolumeName volume = leaving(format);
        String stream = streams(volume, format).getFirst();
        VolumeName wanted = images().missing(arriving(stream, format));
        Path file = exported(volume, stream);
        try {
            // A tar archive may lack its padding.
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(channel.size() / 8);
            }
            failing().broken(() -> imported(file, wanted, stream, false));
            assertThat(images().names()).containsExactly(volume);
        } finally {
            Files.delete(file);
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(calls = "volume_export", otherwise = "Ask for the offered formats first.")
    default void aVolumeDoesNotLeaveInAFormatThatIsNotOffered(Format.Image format) throws IOException {
        VolumeName volume = leaving(format);
        Path file = Files.createTempFile("tenon-tck-", ".stream");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, settings("the export"))) {
            failing()
                    .clean(
                            () -> subject()
                                    .plugin()
                                    .exportVolume(subject().storage(), volume, "none+size", AS_IT_IS, export),
                            StorageError.NOT_SUPPORTED);
            assertThat(file).isEmptyFile();
        } finally {
            Files.delete(file);
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Check(
            calls = {"volume_export", "volume_import", "volume_export_formats", "volume_import_formats"},
            otherwise = "Do not begin a migration of this format: it fails when data is on its way.")
    default void whatNeitherLeavesNorArrivesIsRefused(Format.Image format) throws IOException {
        requires(format);
        StoragePlugin plugin = subject().plugin();
        VolumeName volume = images().make(Images.newGuest(), format);
        VolumeName wanted = images().missing(format);
        boolean leaves =
                !plugin.exportFormats(subject().storage(), volume, AS_IT_IS).isEmpty();
        boolean arrives =
                !plugin.importFormats(subject().storage(), wanted, AS_IT_IS).isEmpty();
        Path file = Files.createTempFile("tenon-tck-", ".stream");
        try (Descriptor descriptor = Descriptor.openForWriting(file);
                DescriptorExport export = new DescriptorExport(descriptor, settings("the export"))) {
            if (!leaves) {
                failing()
                        .clean(
                                () -> plugin.exportVolume(subject().storage(), volume, "raw+size", AS_IT_IS, export),
                                StorageError.NOT_SUPPORTED);
            }
            if (!arrives) {
                failing().clean(() -> imported(file, wanted, "raw+size", false), StorageError.NOT_SUPPORTED);
            }
            assertThat(file).isEmptyFile();
            assertThat(images().names()).containsExactly(volume);
        } finally {
            Files.delete(file);
        }
    }

    /** A volume with content, activated. */
    private VolumeName leaving(Format.Image format) {
        requires(format);
        VolumeName volume = images().make(Images.newGuest(), format);
        boolean leaves = !subject()
                .plugin()
                .exportFormats(subject().storage(), volume, AS_IT_IS)
                .isEmpty();
        requires(leaves, "lets no volumes of format '" + format.word() + "' leave");
        images().fill(volume, 41);
        images().activate(volume);
        return volume;
    }

    /** The formats of streams in which such a volume leaves and arrives. */
    private List<String> streams(VolumeName volume, Format.Image format) {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        List<String> streams = new ArrayList<>(plugin.exportFormats(storage, volume, AS_IT_IS));
        streams.removeIf(stream -> !subject().abilities().formats().contains(arriving(stream, format))
                || !plugin.importFormats(storage, images().missing(arriving(stream, format)), AS_IT_IS)
                        .contains(stream));
        requires(!streams.isEmpty(), "lets no volumes of format '" + format.word() + "' arrive");
        streams.removeIf(stream -> !subject().abilities().convertsIntoStreams() && arriving(stream, format) != format);
        requires(
                !streams.isEmpty(),
                "writes format '" + format.word() + "' as another only with PVE's patched qemu-img");
        return streams;
    }

    /** The format of an image that comes in such a stream. */
    private static Format.Image arriving(String stream, Format.Image format) {
        String content = stream.replaceFirst("\\+.*", "");
        return content.equals("tar")
                ? Format.Image.SUBVOL
                : Format.Image.ofWord(content).orElse(format);
    }

    /** A file with the stream of a volume, which its caller deletes. */
    private Path exported(VolumeName volume, String stream) {
        try {
            Path file = Files.createTempFile("tenon-tck-", ".stream");
            try (Descriptor descriptor = Descriptor.openForWriting(file);
                    DescriptorExport export = new DescriptorExport(descriptor, settings("the export"))) {
                subject().plugin().exportVolume(subject().storage(), volume, stream, AS_IT_IS, export);
            } catch (RuntimeException e) {
                Files.delete(file);
                throw e;
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private VolumeId imported(Path file, VolumeName wanted, String stream, boolean allowRename) {
        try (Descriptor descriptor = Descriptor.openForReading(file);
                DescriptorImport incoming = new DescriptorImport(descriptor, settings("the import"))) {
            return subject()
                    .plugin()
                    .importVolume(subject().storage(), wanted, stream, AS_IT_IS, allowRename, incoming);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static StreamSettings settings(String name) {
        return StreamSettings.USUAL.named(name);
    }
}
