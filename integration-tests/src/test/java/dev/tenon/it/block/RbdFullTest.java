package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.doctor.Doctor;
import dev.tenon.core.journal.Journal;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.Mutation;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.Transfer;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.core.stream.DescriptorImport;
import dev.tenon.core.stream.StreamSettings;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** A cluster that has no room takes no writes, and its clients wait for it without an end. */
class RbdFullTest {
    private static final Vmid GUEST = new Vmid(100);
    private static final ByteSize SIZE = ByteSize.ofBytes(4 << 20);
    private static final VolumeName DISK = new VolumeName("vm-100-disk-0");
    private static final VolumeName ARRIVING = new VolumeName("vm-101-disk-0");
    private static final int STREAMED = 16 << 20;

    /** By the commands of Ceph alone, and with its library. */
    @Test
    void aFullClusterIsNoSpaceAndHangsNobody(Scratch scratch) throws Exception {
        RbdLab lab = RbdLab.start(scratch);
        lab.loadLibrary();
        StoragePlugin byCommands = lab.plugin();
        StoragePlugin byLibrary =
                RbdLab.on(lab.ceph(), scratch, true, Duration.ofMinutes(2)).plugin();
        Storage storage = lab.storage(Map.of());
        byCommands.allocImage(storage, GUEST, Image.RAW, DISK.value(), SIZE);
        lab.write("rbd/" + DISK, 0, new byte[1 << 20]);
        Path stream = stream(scratch);

        ratios(lab, "0.000001", "0.000002", "0.000003");
        await().atMost(Duration.ofMinutes(2)).until(() -> isFull(lab));
        Map<String, FutureTask<StorageException>> refused = new LinkedHashMap<>();
        refused.put("alloc", failure(() -> byCommands.allocImage(storage, GUEST, Image.RAW, null, SIZE)));
        refused.put("snapshot", failure(() -> byLibrary.snapshotVolume(storage, DISK, new SnapshotName("one"))));
        refused.put(
                "resize", failure(() -> byLibrary.resizeVolume(storage, DISK, ByteSize.ofBytes(8 << 20), false, null)));
        refused.put("import", failure(() -> imported(byLibrary, storage, stream)));
        for (Map.Entry<String, FutureTask<StorageException>> each : refused.entrySet()) {
            StorageException failure = got(each.getValue());
            assertThat(failure.error())
                    .as(each.getKey() + ": " + failure.getMessage())
                    .isEqualTo(StorageError.NO_SPACE);
            assertThat(failure.outcome())
                    .as(each.getKey() + ": " + failure.getMessage())
                    .isEqualTo(each.getKey().equals("import") ? failure.outcome() : Outcome.FAILED_CLEAN);
            assertThat(failure.getMessage()).as(each.getKey()).contains("pool 'rbd' is full");
        }
        assertThat(byLibrary.listImages(storage, ImageFilter.all(), OperationCache.create()))
                .singleElement()
                .satisfies(image -> assertThat(image.size()).isEqualTo(SIZE));
        // Ceph 16.2.15 cannot remove an image then; one that can is welcome.
        try {
            byCommands.freeImage(storage, DISK, false, Image.RAW);
        } catch (StorageException e) {
            assertThat(e.error()).as(e.getMessage()).isEqualTo(StorageError.NO_SPACE);
        }

        ratios(lab, "0.85", "0.9", "0.95");
        await().atMost(Duration.ofMinutes(2)).until(() -> !isFull(lab));
        Journal journal = new Journal(Files.createDirectory(scratch.file("journal")));
        journal.begin(Mutation.IMPORT_VOLUME, storage.id(), "rbd", Map.of("volume", ARRIVING.value()), Map.of())
                .endedUnknown("the cluster was full");
        Doctor.Report report = new Doctor(journal)
                .repair(storage, byCommands, lab.host().locks().storage(storage.id(), true));
        assertThat(report.left()).isEmpty();
        assertThat(lab.rbd("ls", "rbd").lines()).noneMatch(name -> !name.equals(DISK.value()));
        byCommands.allocImage(storage, GUEST, Image.RAW, "vm-100-disk-7", SIZE);
    }

    private static void ratios(RbdLab lab, String nearly, String almost, String full) {
        lab.ceph().run("ceph", "osd", "set-nearfull-ratio", nearly);
        lab.ceph().run("ceph", "osd", "set-backfillfull-ratio", almost);
        lab.ceph().run("ceph", "osd", "set-full-ratio", full);
    }

    private static boolean isFull(RbdLab lab) {
        String pools = lab.ceph().run("ceph", "osd", "pool", "ls", "detail", "--format", "json");
        return List.of(pools.replaceAll("(?s).*\"flags_names\":\"([^\"]*)\".*", "$1")
                        .split(",", -1))
                .contains("full");
    }

    private static Path stream(Scratch scratch) throws IOException {
        byte[] bytes = new byte[Long.BYTES + STREAMED];
        Arrays.fill(bytes, (byte) 1);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(STREAMED);
        return Files.write(scratch.file("stream"), bytes);
    }

    private static void imported(StoragePlugin plugin, Storage storage, Path stream) {
        try (Descriptor descriptor = Descriptor.openForReading(stream);
                DescriptorImport incoming = new DescriptorImport(descriptor, StreamSettings.USUAL)) {
            plugin.importVolume(storage, ARRIVING, "raw+size", new Transfer(null, null, false), false, incoming);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static FutureTask<StorageException> failure(Runnable work) {
        FutureTask<StorageException> task = new FutureTask<>(() -> {
            try {
                work.run();
            } catch (StorageException e) {
                return e;
            }
            throw new AssertionError("it has succeeded");
        });
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static StorageException got(FutureTask<StorageException> task) throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }
}
