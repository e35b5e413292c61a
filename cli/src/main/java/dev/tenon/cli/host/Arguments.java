package dev.tenon.cli.host;

import dev.tenon.cli.console.Sizes;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.spi.backup.DeviceName;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the values of options are read. A value that its type refuses is wrong usage, with the type's own sentence. */
public final class Arguments {
    private Arguments() {}

    /** Makes a command, and those below it, read the values of storages. */
    public static void register(CommandLine line) {
        line.registerConverter(ByteSize.class, of(Sizes::parse))
                .registerConverter(ContentType.class, of(Arguments::content))
                .registerConverter(DeviceName.class, of(DeviceName::new))
                .registerConverter(Format.class, of(Format::ofWord))
                .registerConverter(Format.Image.class, of(Arguments::image))
                .registerConverter(SnapshotName.class, of(SnapshotName::new))
                .registerConverter(StorageId.class, of(StorageId::new))
                .registerConverter(Vmid.class, of(Arguments::vmid))
                .registerConverter(VolumeId.class, of(Arguments::volumeId))
                .registerConverter(VolumeName.class, of(VolumeName::new));
    }

    private static <T> ITypeConverter<T> of(Function<String, T> reading) {
        return text -> {
            try {
                return reading.apply(text);
            } catch (StorageException | IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        };
    }

    /** Refuses a volume id whose storage name is invalid, and says so. */
    private static VolumeId volumeId(String text) {
        try {
            return VolumeId.parse(text);
        } catch (StorageException e) {
            int colon = text.indexOf(':');
            if (colon < 1) {
                throw new IllegalArgumentException(
                        e.getMessage() + "; it is STORAGE:VOLUME, for instance" + " fast:100/vm-100-disk-0.raw", e);
            }
            new StorageId(text.substring(0, colon));
            throw e;
        }
    }

    private static Vmid vmid(String text) {
        if (!text.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException("VMID " + Quoted.of(text) + " is no number from 0 to 999999999");
        }
        return new Vmid(Long.parseLong(text));
    }

    private static ContentType content(String text) {
        return ContentType.ofWord(text)
                .orElseThrow(() -> new IllegalArgumentException("content type " + Quoted.of(text)
                        + " is none of images, rootdir, iso, vztmpl, backup, snippets, import"));
    }

    private static Format.Image image(String text) {
        return Format.Image.ofWord(text)
                .filter(format -> format != Format.Image.SUBVOL)
                .orElseThrow(() ->
                        new IllegalArgumentException("format " + Quoted.of(text) + " is none of raw, qcow2 and vmdk"));
    }
}
