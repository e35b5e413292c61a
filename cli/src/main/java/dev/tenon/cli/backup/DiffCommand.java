package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Difference;
import dev.tenon.core.backup.repository.FileDifference;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.linux.TreeDirectory;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.DeviceName;
import dev.tenon.core.storage.tenonbackup.Archives;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What changed between two backups. */
@Command(
        name = "diff",
        mixinStandardHelpOptions = true,
        description =
                "Shows what differs between two backups of one storage of type tenonbackup: which parts of the disks"
                        + " of VMs, in blocks of 4 MiB, or which files of containers.",
        footer = {
            "",
            "Example: tenon backup diff keep:backup/qemu/100/2026-01-02T03:04:05Z"
                    + " keep:backup/qemu/100/2026-01-03T03:04:05Z"
        })
final class DiffCommand extends HostCommand {
    @Parameters(index = "0", paramLabel = "VOLID", description = "the first backup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId first;

    @Parameters(index = "1", paramLabel = "VOLID", description = "the second one, on the same storage")
    @SuppressWarnings("NullAway.Init")
    private VolumeId second;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        if (!first.storage().equals(second.storage())) {
            throw wrongUsage("'" + first + "' and '" + second + "' are not on one storage");
        }
        Map<DeviceName, Difference> differences;
        List<FileDifference> files = new ArrayList<>();
        boolean isOfContainers;
        try (Repository repository = RepositoryCommand.open(host, first.storage());
                RepositoryReader reader = repository.read()) {
            Snapshot before = snapshot(reader, first);
            Snapshot after = snapshot(reader, second);
            isOfContainers = before.tree() != null;
            if (isOfContainers != (after.tree() != null)) {
                throw wrongUsage("of '" + first + "' and '" + second
                        + "', one is the backup of a container, the other that of a VM");
            }
            differences = reader.differences(before, after);
            if (isOfContainers) {
                reader.fileDifferences(before, after, files::add);
            }
        }
        if (isOfContainers) {
            tell(files);
        } else if (json.isGiven()) {
            Map<String, Object> devices = new LinkedHashMap<>();
            differences.forEach((device, difference) -> devices.put(device.value(), json(difference)));
            Json.print(out(), devices);
        } else {
            print(differences);
        }
    }

    private void tell(List<FileDifference> files) throws IOException {
        if (json.isGiven()) {
            Json.print(
                    out(),
                    Json.object(
                            "files",
                            files.stream()
                                    .map(file -> Json.object("path", path(file), "change", change(file)))
                                    .toList()));
            return;
        }
        Table table = new Table().text("CHANGE").text("PATH");
        files.forEach(file -> table.row(change(file), path(file)));
        table.print(out(), terminal());
        out().println(files.isEmpty() ? "the same" : files.size() + " differ");
    }

    private static String path(FileDifference file) {
        return "/" + TreeDirectory.shown(file.path());
    }

    private static String change(FileDifference file) {
        return file.change().name().toLowerCase(Locale.ROOT);
    }

    private static Snapshot snapshot(RepositoryReader reader, VolumeId volume) throws IOException {
        return reader.find(Archives.id(volume.volume()))
                .orElseThrow(
                        () -> StorageException.refused(StorageError.NOT_FOUND, "there is no backup '" + volume + "'"));
    }

    private static Object json(Difference difference) {
        return Json.object(
                "before", difference.before().orElse(null),
                "after", difference.after().orElse(null),
                "changed",
                        difference.changed().stream()
                                .map(range -> Json.object("offset", range.offset(), "length", range.length()))
                                .toList());
    }

    private void print(Map<DeviceName, Difference> differences) {
        Table table = new Table().text("DEVICE").number("OFFSET").number("LENGTH");
        differences.forEach((device, difference) -> difference
                .changed()
                .forEach(range ->
                        table.row(device.value(), ByteSize.shown((double) range.offset()), ByteSize.shown((double)
                                range.length()))));
        table.print(out(), terminal());
        differences.forEach((device, difference) -> out().println(device + ": " + sentence(difference)));
    }

    private static String sentence(Difference difference) {
        if (difference.before().isEmpty()) {
            return "only in the second, " + difference.after().orElseThrow().shown();
        }
        if (difference.after().isEmpty()) {
            return "only in the first, " + difference.before().orElseThrow().shown();
        }
        if (difference.isSame()) {
            return "the same";
        }
        List<ByteSize> sizes =
                List.of(difference.before().orElseThrow(), difference.after().orElseThrow());
        return difference.bytes().shown() + " differ"
                + (sizes.get(0).equals(sizes.get(1))
                        ? ""
                        : "; it had " + sizes.get(0).shown() + " and has "
                                + sizes.get(1).shown());
    }
}
