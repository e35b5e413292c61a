package dev.tenon.cli.volume;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.NewVolume;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.host.Host;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Renames a volume. */
@Command(
        name = "rename",
        mixinStandardHelpOptions = true,
        description = "Gives a volume to another guest, or another name, and prints its new volume id.",
        footer = {"", "Example: tenon volume rename fast:100/vm-100-disk-0.raw --vmid 101"})
final class RenameCommand extends HostCommand {
    @Parameters(paramLabel = "VOLID", description = "the volume, for instance fast:100/vm-100-disk-0.raw")
    @SuppressWarnings("NullAway.Init")
    private VolumeId volume;

    @Option(names = "--vmid", paramLabel = "N", description = "the guest that gets it (default: the one that has it)")
    private @Nullable Vmid vmid;

    @Option(names = "--name", paramLabel = "NAME", description = "its new name (default: the next free one)")
    private @Nullable VolumeName name;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        if (vmid == null && name == null) {
            throw wrongUsage("nothing to change; give --vmid, --name or both");
        }
        if (vmid != null) {
            refuse(NewVolume.wrong(vmid, name == null ? null : name.value()));
        } else if (name != null) {
            refuse(NewVolume.wrong(name));
        }
        tellMade(host.of(volume.storage()).renameVolume(volume, vmid, name), json);
    }
}
