package dev.tenon.core.storage.block.zfs;

import dev.tenon.core.failure.Uninterrupted;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.ExportStream;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImportStream;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamTarget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What arrives and leaves. In the format {@code zfs} that is snapshots of a dataset as {@code zfs send -R} writes them, without a
 * size before them.
 */
record Streams(Datasets datasets) {
    static final String FORMAT = "zfs";

    private static final Path NOTHING = Path.of("/dev/null");

    private static Path descriptor(int number) {
        return Path.of("/proc/self/fd/" + number);
    }

    /**
     * Sends a snapshot, and those before it.
     *
     * @param base a snapshot that the other end has, from which on is sent; null for none
     * @param withSnapshots whether those between the two are sent
     */
    void send(
            ParsedVolume.GuestImage image,
            String snapshot,
            @Nullable String base,
            boolean withSnapshots,
            ExportStream stream) {
        Dataset dataset = datasets.present(image);
        datasets.present(image.name(), snapshot);
        List<String> words = new ArrayList<>(List.of("send", "-Rp"));
        if (dataset.isEncrypted()) {
            // With the properties it is sent raw or not at all, and another pool has other keys.
            words.add("-U");
        }
        if (base != null) {
            datasets.present(image.name(), base);
            words.addAll(List.of(withSnapshots ? "-I" : "-i", base));
        }
        words.addAll(List.of("--", dataset.name() + "@" + snapshot));
        stream.handOver(number -> {
            try {
                datasets.zfs().stream(NOTHING, descriptor(number), words);
            } catch (StorageException e) {
                if (String.valueOf(e.getMessage()).contains("invalid option 'U'")) {
                    throw new StorageException(
                            StorageError.NOT_SUPPORTED,
                            Outcome.FAILED_CLEAN,
                            "dataset '" + dataset.name()
                                    + "' is encrypted, and this ZFS has no option -U to send what it"
                                    + " holds without its key: ZFS has it from 2.4 on",
                            e);
                }
                // Some of it was sent, and nothing of the storage was changed.
                throw new StorageException(e.error(), Outcome.FAILED_CLEAN, e.getMessage(), e);
            }
        });
    }

    /**
     * Receives a dataset under a name that nobody has, mounted nowhere but where the storage is.
     *
     * @throws StorageException {@code FAILED_CLEAN} or {@code UNKNOWN}, as what has arrived could be removed or not
     */
    void receive(String staged, Format format, ImportStream stream) {
        try {
            taken(receiving(staged, format), stream);
            List<Dataset> arrived = datasets.zfs().within(datasets.place(staged));
            if (arrived.size() != 1 || arrived.getFirst().format() != format) {
                throw broken("it holds no single dataset of format '" + format.word() + "'", null);
            }
        } catch (StorageException e) {
            throw datasets.discarded(staged, e);
        }
    }

    private List<String> receiving(String name, Format format) {
        List<String> words = new ArrayList<>(List.of("recv", "-F", "-x", "encryption"));
        if (format == Format.Image.SUBVOL) {
            words.addAll(List.of("-x", Configuration.MOUNTPOINT));
        }
        words.addAll(List.of("--", datasets.place(name)));
        return words;
    }

    /** Receives the content of a disk under a name that nobody has; fails as {@link #receive} does. */
    void receiveBytes(String staged, ImportStream stream) {
        ByteSize size = stream.size();
        datasets.create(staged, Format.Image.RAW, size);
        try {
            stream.receive(new StreamTarget.Present(datasets.device(staged), true), size);
        } catch (StorageException e) {
            throw datasets.discarded(staged, e);
        }
    }

    /**
     * Brings an image forward from a snapshot that both ends have; what was changed here since is lost. If that fails, the image
     * is as it was at the snapshot.
     */
    void update(ParsedVolume.GuestImage image, String base, ImportStream stream) {
        datasets.present(image);
        datasets.present(image.name(), base);
        try {
            taken(receiving(image.name(), image.format()), stream);
        } catch (StorageException e) {
            throw rolledBack(image, base, e);
        }
    }

    private StorageException rolledBack(ParsedVolume.GuestImage image, String base, StorageException failure) {
        try {
            Uninterrupted.run(() -> datasets.zfs().change("rollback", "-r", datasets.place(image.name()) + "@" + base));
        } catch (StorageException e) {
            failure.addSuppressed(e);
        }
        return new StorageException(
                failure.error(),
                Outcome.UNKNOWN,
                failure.getMessage() + "; volume '" + datasets.place(image.name()) + "' is as it was at snapshot '"
                        + base + "', unless the log says otherwise",
                failure);
    }

    private void taken(List<String> words, ImportStream stream) {
        try {
            stream.handOver(FORMAT, number -> {
                datasets.zfs().stream(descriptor(number), NOTHING, words);
                return true;
            });
        } catch (StorageException e) {
            if (e.error() != StorageError.COMMAND_FAILED) {
                throw e;
            }
            String why = String.valueOf(e.getMessage());
            if (Zfs.errorOf(List.of(why)) == StorageError.NO_SPACE) {
                throw new StorageException(StorageError.NO_SPACE, Outcome.UNKNOWN, why, e);
            }
            // What it cannot read is the stream's fault.
            throw broken(why, e);
        }
    }

    private static StorageException broken(String why, @Nullable StorageException cause) {
        return new StorageException(
                StorageError.STREAM_BROKEN, Outcome.UNKNOWN, "the stream cannot be imported: " + why, cause);
    }
}
