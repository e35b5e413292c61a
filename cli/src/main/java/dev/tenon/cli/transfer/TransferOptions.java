package dev.tenon.cli.transfer;

import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Transfer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What of a volume is transferred. */
final class TransferOptions {
    @Option(
            names = "--snapshot",
            paramLabel = "NAME",
            description = "the volume as of this snapshot, for formats that can (default: as it is now)")
    private @Nullable SnapshotName snapshot;

    @Option(
            names = "--base",
            paramLabel = "NAME",
            description = "the snapshot that the other end already has, for formats that can send a difference")
    private @Nullable SnapshotName base;

    @Option(names = "--with-snapshots", description = "the volume's snapshots too")
    private boolean withSnapshots;

    Transfer transfer() {
        return new Transfer(snapshot, base, withSnapshots);
    }
}
