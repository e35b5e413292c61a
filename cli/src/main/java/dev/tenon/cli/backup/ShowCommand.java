package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.TaskLog;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.BackupProvider;
import dev.tenon.core.spi.backup.RawConfig;
import dev.tenon.core.spi.backup.RestoreMechanism;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What a backup is of. */
@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        description = "Shows what a backup is of, its notes, and the configurations that it keeps.",
        footer = {"", "Example: tenon backup show vault:backup/vm/100/2026-01-02T03:04:05Z"})
final class ShowCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the backup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean isReading() {
        return true;
    }

    @Override
    protected void run(Host host) throws IOException {
        StorageService service = host.of(archive.storage());
        TaskLog log = new ToldLog(err(), true);
        try (BackupProvider provider = service.newBackupProvider(archive.storage(), log)) {
            RestoreMechanism mechanism = provider.restoreMechanism(archive.volume());
            RawConfig config = provider.guestConfig(archive.volume());
            Optional<RawConfig> firewall = provider.firewallConfig(archive.volume());
            String notes = attribute(service, VolumeAttribute.NOTES);
            boolean isProtected = "1".equals(attribute(service, VolumeAttribute.PROTECTED));
            if (json.isGiven()) {
                Json.print(
                        out(),
                        Json.object(
                                "volid", archive,
                                "provider", provider.providerName(),
                                "type", mechanism.guest().word(),
                                "restore", mechanism.word(),
                                "protected", isProtected,
                                "notes", notes,
                                "guest-config", text(config),
                                "firewall-config", firewall.map(ShowCommand::text)));
                return;
            }
            out().printf(
                            "%s of provider %s, of a guest of type %s, restored by %s%s%n",
                            archive,
                            provider.providerName(),
                            mechanism.guest().word(),
                            mechanism.word(),
                            isProtected ? ", protected" : "");
            if (notes != null && !notes.isEmpty()) {
                out().printf("notes: %s%n", notes);
            }
            print("guest configuration", config);
            firewall.ifPresent(rules -> print("firewall configuration", rules));
        }
    }

    private @Nullable String attribute(StorageService service, VolumeAttribute attribute) {
        try {
            return service.attribute(archive, attribute).orElse(null);
        } catch (StorageException e) {
            return null;
        }
    }

    /** What is not UTF-8 is shown by a mark; 'extract-config' has the bytes. */
    private static String text(RawConfig config) {
        return new String(config.bytes(), StandardCharsets.UTF_8);
    }

    private void print(String what, RawConfig config) {
        out().printf("%n-- %s, %d bytes --%n", what, config.length());
        String text = text(config);
        out().print(text);
        if (!text.isEmpty() && !text.endsWith("\n")) {
            out().println();
        }
    }
}
