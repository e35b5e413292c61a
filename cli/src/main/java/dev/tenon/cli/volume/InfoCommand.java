package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.image.ImageInfo;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.SizeInfo;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a volume is. */
@Command(
        name = "info",
        mixinStandardHelpOptions = true,
        description = "Describes a volume, or an image file that belongs to no storage. Files that an image names"
                + " are not opened.",
        footer = {"", "Example: tenon volume info fast:100/vm-100-disk-0.qcow2 --json"})
final class InfoCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID|PATH", description = "the volume, or the absolute path of an image file")
    private String subject = "";

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "the format of a file: raw, qcow2 or vmdk (default: what its name says)")
    private Format.@Nullable Image format;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        Map<String, @Nullable Object> facts = subject.startsWith("/") ? file(Path.of(subject)) : volume(host);
        if (json.isGiven()) {
            Json.print(out(), facts);
            return;
        }
        Table table = new Table().text("PROPERTY").text("VALUE");
        facts.forEach((name, value) -> table.row(name, shown(name, value)));
        table.print(out(), terminal());
    }

    private static @Nullable String shown(String name, @Nullable Object value) {
        return switch (name) {
            case "size", "used" ->
                value instanceof Long bytes ? ByteSize.ofBytes(bytes).shown() + " (" + bytes + " bytes)" : null;
            case "ctime" -> value instanceof Long seconds ? Shown.time(seconds) : null;
            default -> Shown.text(value);
        };
    }

    private Map<String, @Nullable Object> volume(Host host) throws IOException {
        if (format != null) {
            throw wrongUsage("--format is for files; the format of a volume is known");
        }
        VolumeId volume = volid();
        StorageService service = host.of(volume.storage());
        service.activateStorage(volume.storage());
        ParsedVolume parsed = service.parseVolname(volume);
        SizeInfo size = service.volumeSizeInfo(volume, null);
        Vmid owner = parsed.owner();
        Map<String, @Nullable Object> facts = Json.object(
                "volid", volume,
                "content", parsed.type().word(),
                "format", size.format().word(),
                "size", size.size(),
                "used", size.used(),
                "vmid", owner == null ? null : owner.value(),
                "parent", size.parent(),
                "ctime", size.ctime(),
                "path", service.path(volume, null).path());
        if (parsed instanceof ParsedVolume.GuestImage image) {
            facts.put("base", image.isBase());
        } else {
            facts.put("notes", service.attribute(volume, VolumeAttribute.NOTES).orElse(null));
            facts.put(
                    "protected",
                    service.attribute(volume, VolumeAttribute.PROTECTED)
                            .filter(value -> value.equals("1"))
                            .isPresent());
        }
        return facts;
    }

    private VolumeId volid() {
        try {
            return VolumeId.parse(subject);
        } catch (StorageException e) {
            throw wrongUsage(e.getMessage() + ", and a path begins with '/'");
        }
    }

    private Map<String, @Nullable Object> file(Path file) throws IOException {
        ImageInfo info;
        try {
            info = ImageInfo.read(file, format == null ? formatOf(file) : format);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + Quoted.of(subject), e);
        } catch (FileSystemException e) {
            throw new IOException(
                    "unable to read " + Quoted.of(subject) + ": "
                            + (e.getReason() == null ? e.getClass().getSimpleName() : e.getReason()),
                    e);
        }
        return Json.object(
                "file", file,
                "format", info.format().word(),
                "size", info.size(),
                "used", info.used(),
                "parent", info.backingFile(),
                "data", info.dataFile(),
                "ctime", info.ctime(),
                "defect", info.defect());
    }

    private Format.Image formatOf(Path file) {
        String name = String.valueOf(file.getFileName());
        String extension = name.substring(name.lastIndexOf('.') + 1);
        return Format.Image.ofWord(extension)
                .filter(known -> known != Format.Image.SUBVOL)
                .orElseThrow(() -> wrongUsage("the name of " + Quoted.of(subject)
                        + " does not say what format it is of; give --format raw, qcow2 or vmdk"));
    }
}
