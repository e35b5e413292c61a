package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.SnapshotId;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.tenonbackup.Archives;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Brings backups to a second repository. */
@Command(
        name = "copy",
        mixinStandardHelpOptions = true,
        description =
                "Copies backups of a storage of type tenonbackup into another repository, with their notes and their"
                        + " protection. What is there already is not read, and a backup that is there stays as it is.",
        footer = {
            "",
            "Example: tenon backup copy keep:backup/qemu/100/2026-01-02T03:04:05Z --to /mnt/offsite/backups",
            "Example: tenon backup copy --all keep --to offsite"
        })
final class CopyBackupCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(index = "0..*", paramLabel = "VOLID", description = "a backup")
    private List<VolumeId> archives = new ArrayList<>();

    @Option(names = "--all", paramLabel = "NAME", description = "all backups of this storage")
    private @Nullable StorageId all;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "REPOSITORY",
            description = "a storage of type tenonbackup, or the directory of a repository, with a slash in it")
    private String target = "";

    @Mixin
    private KeyOptions key = new KeyOptions();

    @Mixin
    private JsonOption json = new JsonOption();

    private final List<Map<String, @Nullable Object>> rows = new ArrayList<>();

    @Override
    protected void run(Host host) throws IOException {
        if (archives.isEmpty() == (all == null)) {
            throw wrongUsage("name backups, or a storage with --all");
        }
        try (Repository to = target.contains("/")
                ? Repository.open(Surroundings.of(command).path(target), key.given())
                : RepositoryCommand.open(host, new StorageId(target))) {
            if (all != null) {
                try (Repository from = RepositoryCommand.open(host, all)) {
                    for (SnapshotId id : from.list(Archives.NAMESPACE)) {
                        copy(from, id, to);
                    }
                }
            }
            for (VolumeId archive : archives) {
                try (Repository from = RepositoryCommand.open(host, archive.storage())) {
                    copy(from, Archives.id(archive.volume()), to);
                }
            }
        }
        if (json.isGiven()) {
            Json.print(out(), rows);
        }
    }

    private void copy(Repository from, SnapshotId id, Repository to) throws IOException {
        Optional<Snapshot> copy = from.copy(id, to);
        if (json.isGiven()) {
            rows.add(Json.object(
                    "id", id.toString(),
                    "copied", copy.isPresent(),
                    "stored", copy.map(Snapshot::stored).orElse(null)));
            return;
        }
        out().println(id
                + copy.map(snapshot -> ": " + snapshot.stored().shown() + " were new")
                        .orElse(": is there already"));
        out().flush();
    }
}
