package dev.tenon.core.backup.host;

import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.backup.BackupDisk;
import dev.tenon.core.spi.backup.BitmapUse;
import dev.tenon.core.spi.backup.DeviceName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The images of a VM that does not run, some raw and some qcow2. */
public final class OfflineDisks implements GuestDisks {
    private final List<DeviceName> order;
    private final List<GuestDisks> parts = new ArrayList<>();

    private OfflineDisks(List<DeviceName> order) {
        this.order = order;
    }

    /**
     * An image.
     *
     * @param format {@code RAW}, also for a block device, or {@code QCOW2}; the content never decides it
     */
    public record Image(Path file, Format.Image format) {}

    /**
     * Opens the images.
     *
     * @throws StorageException {@code IN_USE} if a QEMU writes to one, {@code NOT_SUPPORTED} for another format
     */
    public static OfflineDisks open(WorkDirectory work, StorageId storage, Map<DeviceName, Image> images)
            throws IOException {
        Map<DeviceName, Path> raw = new LinkedHashMap<>();
        Map<DeviceName, Path> qcow2 = new LinkedHashMap<>();
        images.forEach((device, image) -> {
            switch (image.format()) {
                case RAW -> raw.put(device, image.file());
                case QCOW2 -> qcow2.put(device, image.file());
                default ->
                    throw StorageException.refused(
                            StorageError.NOT_SUPPORTED,
                            "disk '" + device + "' is of the format '"
                                    + image.format().word() + "'; raw and qcow2 can be backed up");
            }
        });
        OfflineDisks opened = new OfflineDisks(List.copyOf(images.keySet()));
        try {
            if (!raw.isEmpty()) {
                opened.parts.add(RawDisks.open(work, raw));
            }
            if (!qcow2.isEmpty()) {
                opened.parts.add(Qcow2Disks.open(work, storage, qcow2));
            }
            return opened;
        } catch (IOException e) {
            opened.close();
            boolean isUsed = String.valueOf(e.getMessage()).contains("open for writing");
            if (isUsed) {
                throw new StorageException(
                        StorageError.IN_USE,
                        Outcome.NOT_STARTED,
                        e.getMessage() + "; back up a guest that runs by its QMP socket",
                        e);
            }
            throw e;
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    @Override
    public Map<DeviceName, ByteSize> sizes() {
        return inOrder(parts.stream().map(GuestDisks::sizes).toList());
    }

    @Override
    public Map<DeviceName, BackupDisk> show(Map<DeviceName, BitmapUse> uses) throws IOException {
        List<Map<DeviceName, BackupDisk>> shown = new ArrayList<>();
        for (GuestDisks part : parts) {
            shown.add(part.show(uses));
        }
        return inOrder(shown);
    }

    private <T> Map<DeviceName, T> inOrder(List<Map<DeviceName, T>> of) {
        Map<DeviceName, T> all = new LinkedHashMap<>();
        for (DeviceName device : order) {
            of.stream()
                    .map(each -> each.get(device))
                    .filter(each -> each != null)
                    .forEach(each -> all.put(device, each));
        }
        return all;
    }

    @Override
    public void committed() throws IOException {
        for (GuestDisks part : parts) {
            part.committed();
        }
    }

    @Override
    public void close() {
        parts.forEach(GuestDisks::close);
        parts.clear();
    }
}
