package dev.tenon.cli.volume;

import dev.tenon.core.service.StorageService;
import dev.tenon.core.spi.Hints;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.host.Host;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** Changes of a volume that storages do not lock: PVE makes them while it holds the lock of the guest. */
final class GuestVolume {
    private GuestVolume() {}

    /** Changes a volume, which is activated before, while nobody else changes its guest. */
    static void change(Host host, VolumeId volume, Consumer<StorageService> change) throws IOException {
        StorageService service = host.of(volume.storage());
        service.activateVolumes(List.of(volume), null, Hints.NONE);
        Vmid owner = service.parseVolname(volume).owner();
        if (owner == null) {
            change.accept(service);
            return;
        }
        host.locks().guest(owner).hold(null, () -> {
            change.accept(service);
            return true;
        });
    }
}
