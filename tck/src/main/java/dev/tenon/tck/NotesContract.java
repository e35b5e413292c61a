package dev.tenon.tck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What is noted about volumes. */
@OfProfile(Profile.CORE)
interface NotesContract extends Contract {
    @Test
    @Check(calls = "update_volume_attribute", otherwise = "Read a note again after it was written.")
    default void whatCannotBeNotedAboutAnImageIsRefused() {
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        VolumeName volume = images().make(Images.newGuest(), images().anyFormat());
        for (VolumeAttribute attribute : VolumeAttribute.values()) {
            if (plugin.attribute(storage, volume, attribute).isEmpty()) {
                failing()
                        .refused(
                                StorageError.NOT_SUPPORTED,
                                () -> plugin.updateAttribute(storage, volume, attribute, "1"));
            }
        }
        assertThat(images().names()).containsExactly(volume);
    }

    @Test
    @Check(
            calls = {"get_volume_attribute", "update_volume_attribute", "free_image"},
            otherwise = "Do not rely on protected backups here.")
    default void aBackupHasNotesAndAMarkThatKeepsItFromBeingRemoved() throws IOException {
        requires(subject().abilities().backupNotes(), "keeps no notes of backups");
        StoragePlugin plugin = subject().plugin();
        Storage storage = subject().storage();
        try (BackupFile file = BackupFile.in(plugin, storage)) {
            VolumeName backup = file.volume();
            assertThat(plugin.attribute(storage, backup, VolumeAttribute.NOTES)).hasValue("");
            assertThat(plugin.attribute(storage, backup, VolumeAttribute.PROTECTED))
                    .hasValue("0");
            plugin.updateAttribute(storage, backup, VolumeAttribute.NOTES, "before the update\nof the guest");
            plugin.updateAttribute(storage, backup, VolumeAttribute.PROTECTED, "1");
            assertThat(plugin.attribute(storage, backup, VolumeAttribute.NOTES))
                    .hasValueSatisfying(notes -> assertThat(notes).startsWith("before the update\nof the guest"));
            assertThat(plugin.attribute(storage, backup, VolumeAttribute.PROTECTED))
                    .hasValue("1");
            assertThat(file.listed()).singleElement().satisfies(listed -> {
                assertThat(listed.notes()).isEqualTo("before the update");
                assertThat(listed.isProtected()).isTrue();
            });
            failing().refused(StorageError.PERMISSION_DENIED, () -> images().free(backup));
            assertThat(file.listed()).hasSize(1);
            plugin.updateAttribute(storage, backup, VolumeAttribute.PROTECTED, "0");
            plugin.updateAttribute(storage, backup, VolumeAttribute.NOTES, null);
            assertThat(plugin.attribute(storage, backup, VolumeAttribute.NOTES)).hasValue("");
            images().free(backup);
            assertThat(file.listed()).isEmpty();
        }
    }
}
