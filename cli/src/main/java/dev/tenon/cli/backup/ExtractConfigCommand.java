package dev.tenon.cli.backup;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.core.linux.DataFlow;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The bytes of a configuration. */
@Command(
        name = "extract-config",
        mixinStandardHelpOptions = true,
        description =
                "Writes the configuration of the guest that a backup keeps, to the byte, to standard output or to a"
                        + " new file.",
        footer = {"", "Example: tenon backup extract-config vault:backup/vm/100/2026-01-02T03:04:05Z"})
final class ExtractConfigCommand extends HostCommand {
    @Parameters(index = "0", paramLabel = "VOLID", description = "the backup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Option(names = "--firewall", description = "that of the firewall instead")
    private boolean firewall;

    @Option(names = "--output", paramLabel = "FILE", description = "a new file (default: standard output)")
    private @Nullable Path output;

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        RawConfig config;
        try (BackupProvider provider =
                host.of(archive.storage()).newBackupProvider(archive.storage(), new ToldLog(err(), true))) {
            config = firewall
                    ? provider.firewallConfig(archive.volume())
                            .orElseThrow(() -> StorageException.refused(
                                    StorageError.NOT_FOUND,
                                    "the backup '" + archive + "' has no configuration of a firewall"))
                    : provider.guestConfig(archive.volume());
        }
        if (output != null) {
            Files.write(output, config.bytes(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            return;
        }
        try (Descriptor out = streams().takeOutput();
                DataFlow flow = new DataFlow()) {
            ByteBuffer bytes = flow.buffer(Math.max(1, config.length()));
            bytes.put(config.bytes()).flip();
            while (bytes.hasRemaining()) {
                flow.write(bytes, out);
            }
        }
    }
}
