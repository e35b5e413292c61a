package dev.tenon.cli.volume;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.SnapshotInfo;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which snapshots there are. */
@Command(
        name = "snapshots",
        mixinStandardHelpOptions = true,
        description = "Lists the snapshots of a volume.",
        footer = {"", "Example: tenon volume snapshots fast:100/vm-100-disk-0.qcow2 --json"})
final class SnapshotsCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--names", description = "print only the names, one per line")
    private boolean names;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(volume.storage());
        service.activateVolumes(List.of(volume), null, Hints.NONE);
        Map<String, SnapshotInfo> snapshots = new TreeMap<>(service.snapshots(volume));
        // What a chain of images calls the volume as it is now is no snapshot.
        snapshots.remove("current");
        List<Map.Entry<String, SnapshotInfo>> all = snapshots.entrySet().stream()
                .sorted(Comparator.comparing(snapshot ->
                        Objects.requireNonNullElse(snapshot.getValue().timestamp(), 0L)))
                .toList();
        if (names) {
            all.forEach(snapshot -> out().println(snapshot.getKey()));
        } else if (json.isGiven()) {
            Json.print(
                    out(),
                    all.stream()
                            .map(snapshot -> json(snapshot.getKey(), snapshot.getValue()))
                            .toList());
        } else {
            Table table = new Table().text("SNAPSHOT").text("CREATED").number("SIZE");
            all.forEach(snapshot -> table.row(
                    snapshot.getKey(),
                    Shown.time(snapshot.getValue().timestamp()),
                    Shown.size(snapshot.getValue().virtualSize())));
            table.print(out(), terminal());
        }
    }

    private static Map<String, @Nullable Object> json(String name, SnapshotInfo snapshot) {
        return Json.object(
                "snapshot", name,
                "id", snapshot.id(),
                "ctime", snapshot.timestamp(),
                "size", snapshot.virtualSize());
    }
}
