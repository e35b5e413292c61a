package dev.tenon.core.image;

import dev.tenon.core.command.Command;
import dev.tenon.core.linux.FileStatus;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The program qemu-img. The format is always named, so that it never guesses one from what a guest wrote. */
public final class QemuImg {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final Duration CHECK_DEADLINE = Duration.ofHours(1);

    private static final int CHECK_FOUND_CORRUPTION = 2;
    private static final int CHECK_FOUND_LEAKS = 3;

    /** What a slow storage still writes in a second, for the deadline of an image that is filled at once. */
    private static final long SLOWEST_BYTES_PER_SECOND = 4L * 1024 * 1024;

    /** What qemu-img says before it does anything, if QEMU has the image open. */
    private static final String LOCKED = "Is another process using the image";

    /** What qemu-img says of an image with bitmaps that is to be taken back to a snapshot. */
    private static final String HAS_BITMAPS = "Device has active dirty bitmaps";

    /** A bitmap by the name that PVE gives those of backups. */
    private static final Pattern BITMAP_OF_BACKUPS =
            Pattern.compile("^ +name: (snapshot-access:.+)$", Pattern.MULTILINE);

    /** What qemu-img map says of an image whose data lies in no file as the guest sees it. */
    static final String UNMAPPED = "encrypted or compressed clusters";

    private static final Pattern EXTENT =
            Pattern.compile("^(0x[0-9a-f]+|0)[ ]+(0x[0-9a-f]+)[ ]+(0x[0-9a-f]+|0)[ ]+(.+)$", Pattern.MULTILINE);

    /** Of the image; those of the files it consists of are indented. */
    private static final Pattern VIRTUAL_SIZE =
            Pattern.compile("^virtual size: .*\\((\\d{1,18}) bytes\\)$", Pattern.MULTILINE);

    private static final Duration MEASURE_DEADLINE = Duration.ofSeconds(30);
    private static final Pattern FULL_SIZE = Pattern.compile("\"fully-allocated\": (\\d{1,18})");

    private static final Pattern PERCENT = Pattern.compile("\\((\\d+\\.\\d+)/100%\\)");
    private static final double WHOLE = 100;

    private QemuImg() {}

    /**
     * Makes an empty image.
     *
     * @param file absolute, so that no part of it is taken for a protocol
     * @param size virtual size, rounded up to KiB
     * @param preallocation empty to leave it to qemu-img
     * @throws StorageException {@code COMMAND_FAILED} or {@code NO_SPACE}; a part of the image may be left
     */
    public static void create(Path file, Format.Image format, ByteSize size, Optional<Preallocation> preallocation) {
        List<String> arguments = new ArrayList<>(List.of("qemu-img", "create"));
        preallocation.ifPresent(mode -> arguments.addAll(List.of("-o", "preallocation=" + mode.word())));
        arguments.addAll(List.of("-f", format.word(), file.toString(), size.kibRoundedUp() + "K"));
        new Command(arguments, "unable to create image", deadline(size, preallocation)).run();
    }

    /**
     * Makes an empty qcow2 image on top of another, which is not opened for it.
     *
     * @param backing the image below, as it is written into the new one
     * @param size virtual size, mostly that of the image below
     * @param preallocation empty to leave it to qemu-img
     * @throws StorageException {@code COMMAND_FAILED} or {@code NO_SPACE}; a part of the image may be left
     */
    public static void createOverlay(
            Path file,
            String backing,
            Format.Image backingFormat,
            ByteSize size,
            Optional<Preallocation> preallocation) {
        // together with a backing file only extended L2 entries can be preallocated
        String options = "extended_l2=on,cluster_size=128k"
                + preallocation.map(mode -> ",preallocation=" + mode.word()).orElse("");
        List<String> arguments = List.of(
                "qemu-img",
                "create",
                "-u",
                "-F",
                backingFormat.word(),
                "-b",
                backing,
                "-f",
                Format.Image.QCOW2.word(),
                "-o",
                options,
                file.toString(),
                Long.toString(size.bytes()));
        new Command(arguments, "unable to create image", deadline(size, preallocation)).run();
    }

    /**
     * How many bytes a qcow2 image of this size has at most, with all its tables.
     *
     * @param size virtual size, rounded up to KiB
     * @param isOverlay whether it is made by {@link #createOverlay}, with the tables of such an image
     * @throws StorageException {@code COMMAND_FAILED}
     */
    public static ByteSize fullSize(ByteSize size, boolean isOverlay) {
        List<String> arguments = new ArrayList<>(
                List.of("qemu-img", "measure", "--output=json", "--size", size.kibRoundedUp() + "K", "-O", "qcow2"));
        if (isOverlay) {
            arguments.addAll(List.of("-o", "extended_l2=on,cluster_size=128k"));
        }
        String text = new Command(arguments, "unable to measure an image", MEASURE_DEADLINE).run();
        Matcher full = FULL_SIZE.matcher(text);
        if (!full.find()) {
            throw StorageException.refused(
                    StorageError.COMMAND_FAILED,
                    "qemu-img does not tell how large an image of " + size + " bytes gets");
        }
        return ByteSize.ofBytes(Long.parseLong(full.group(1)));
    }

    /**
     * Changes the virtual size of an image that nobody uses.
     *
     * @param size virtual size, rounded up to KiB
     * @throws StorageException {@code COMMAND_FAILED}, {@code NO_SPACE} or {@code IN_USE}
     */
    public static void resize(Path file, Format.Image format, ByteSize size, Optional<Preallocation> preallocation) {
        List<String> arguments = new ArrayList<>(List.of("qemu-img", "resize"));
        preallocation.ifPresent(mode -> arguments.add("--preallocation=" + mode.word()));
        arguments.addAll(List.of("-f", format.word(), file.toString(), size.kibRoundedUp() + "K"));
        run(new Command(arguments, "unable to resize image", deadline(size, preallocation)));
    }

    /**
     * The virtual size of an image of any format that QEMU reads.
     *
     * @param format its name in QEMU
     * @throws StorageException {@code COMMAND_FAILED}
     */
    public static ByteSize virtualSize(Path file, String format) {
        String text = new Command(
                        List.of("qemu-img", "info", "-U", "-f", format, file.toString()),
                        "unable to read the size of image '" + file + "'",
                        DEADLINE)
                .run();
        return virtualSizeIn(text)
                .orElseThrow(() -> StorageException.refused(
                        StorageError.COMMAND_FAILED, "qemu-img does not tell the size of image '" + file + "'"));
    }

    /** The same in what {@code qemu-img info} says. */
    static Optional<ByteSize> virtualSizeIn(String text) {
        Matcher size = VIRTUAL_SIZE.matcher(text);
        return size.find() ? Optional.of(ByteSize.ofBytes(Long.parseLong(size.group(1)))) : Optional.empty();
    }

    /** Takes a snapshot inside a qcow2 image that nobody uses; fails as {@link #resize} does. */
    public static void takeSnapshot(Path file, SnapshotName snapshot) {
        snapshot(file, "-c", snapshot, "unable to take snapshot");
    }

    /**
     * Takes a qcow2 image that nobody uses back to a snapshot inside it; fails as {@link #resize} does. The bitmaps of
     * backups go: they would not tell what differs from the last one, and QEMU refuses to go back beside them. It does so
     * beside others' bitmaps, too, which stay.
     */
    public static void applySnapshot(Path file, SnapshotName snapshot) {
        String errorPrefix = "unable to roll back to snapshot";
        try {
            snapshot(file, "-a", snapshot, errorPrefix);
        } catch (StorageException e) {
            if (!String.valueOf(e.getMessage()).contains(HAS_BITMAPS) || !removeBitmapsOfBackups(file)) {
                throw e;
            }
            snapshot(file, "-a", snapshot, errorPrefix);
        }
    }

    private static boolean removeBitmapsOfBackups(Path file) {
        String told = new Command(
                        List.of("qemu-img", "info", "-f", "qcow2", file.toString()),
                        "unable to read the bitmaps of image '" + file + "'",
                        DEADLINE)
                .run();
        List<String> names = BITMAP_OF_BACKUPS
                .matcher(told)
                .results()
                .map(name -> name.group(1))
                .toList();
        for (String name : names) {
            run(new Command(
                    List.of("qemu-img", "bitmap", "--remove", "-f", "qcow2", file.toString(), name),
                    "unable to remove the bitmap '" + name + "' of image '" + file + "'",
                    DEADLINE));
        }
        return !names.isEmpty();
    }

    /** Deletes a snapshot inside a qcow2 image that nobody uses; fails as {@link #resize} does. */
    public static void deleteSnapshot(Path file, SnapshotName snapshot) {
        snapshot(file, "-d", snapshot, "unable to delete snapshot");
    }

    /** The options of the node of this name, which is a file; with a comma before them. */
    private static String fileOptions(String node, Path file) {
        return "," + node + ".driver=" + fileDriver(file) + "," + node + ".filename="
                + file.toString().replace(",", ",,");
    }

    private static void snapshot(Path file, String action, SnapshotName snapshot, String errorPrefix) {
        // this command has no option for the format
        String options = "driver=qcow2" + fileOptions("file", file);
        List<String> arguments = List.of("qemu-img", "snapshot", action, snapshot.value(), "--image-opts", options);
        run(new Command(arguments, errorPrefix + " '" + snapshot + "'", DEADLINE));
    }

    private static String fileDriver(Path file) {
        try {
            return FileStatus.of(file).isBlockDevice() ? "host_device" : "file";
        } catch (IOException e) {
            return "file"; // and let qemu-img tell what is wrong with it
        }
    }

    /**
     * Copies what a qcow2 image holds into the qcow2 image below it, and leaves the upper one useless.
     *
     * @param size virtual size of the upper image
     * @throws StorageException {@code COMMAND_FAILED}, {@code NO_SPACE} or {@code IN_USE}; the lower image may be useless
     */
    public static void commit(Path file, ByteSize size) {
        List<String> arguments = List.of("qemu-img", "commit", "-q", "-d", "-f", "qcow2", file.toString());
        run(new Command(arguments, "unable to commit image", deadline(size, Optional.of(Preallocation.FULL))));
    }

    /**
     * Puts a qcow2 image on top of another qcow2 image without a change of what it holds.
     *
     * @param backing the image below, as it is written into the upper one
     * @param size virtual size of the upper image
     * @throws StorageException {@code COMMAND_FAILED}, {@code NO_SPACE} or {@code IN_USE}; what it holds is the same then
     */
    public static void rebase(Path file, String backing, ByteSize size) {
        List<String> arguments =
                List.of("qemu-img", "rebase", "-q", "-f", "qcow2", "-F", "qcow2", "-b", backing, file.toString());
        run(new Command(arguments, "unable to rebase image", deadline(size, Optional.of(Preallocation.FULL))));
    }

    /**
     * What is converted.
     *
     * @param path absolute, or what QEMU opens in place of a path
     * @param snapshot a snapshot inside the image, null for the image as it is
     */
    public record Source(
            String path, Format.Image format, @Nullable SnapshotName snapshot) {}

    /**
     * What it is converted to.
     *
     * @param path absolute, or what QEMU opens in place of a path
     * @param isMade whether it is there already, of the right size; otherwise it is made
     * @param preallocation of one that is made
     */
    public record Target(String path, Format.Image format, boolean isMade, Optional<Preallocation> preallocation) {}

    /**
     * Writes what an image holds as another image.
     *
     * @param size virtual size of the source
     * @param bytesPerSecond how fast it is written, on the average; empty for no limit
     * @param progress called with bytes of the virtual size
     * @throws StorageException {@code COMMAND_FAILED}, {@code NO_SPACE}, {@code IN_USE}, {@code CANCELLED} after an
     *     interrupt; a part of the target may be left
     */
    public static void convert(
            Source source, Target target, ByteSize size, OptionalLong bytesPerSecond, CopyProgress progress) {
        List<String> arguments = new ArrayList<>(
                List.of("qemu-img", "convert", "-p", "-f", source.format().word()));
        if (source.snapshot() != null) {
            arguments.addAll(List.of("-l", "snapshot.name=" + source.snapshot()));
        }
        arguments.addAll(List.of("-O", target.format().word()));
        if (target.isMade()) {
            arguments.add("-n");
        }
        bytesPerSecond.ifPresent(limit -> arguments.addAll(List.of("-r", Long.toString(limit))));
        target.preallocation().ifPresent(mode -> arguments.addAll(List.of("-o", "preallocation=" + mode.word())));
        arguments.addAll(List.of(source.path(), target.path()));
        Duration limited = Duration.ofSeconds(2 * (size.bytes() / bytesPerSecond.orElse(Long.MAX_VALUE)));
        Command command = new Command(
                arguments,
                "unable to copy image",
                deadline(size, Optional.of(Preallocation.FULL)).plus(limited));
        run(() -> command.run(words -> percent(words)
                .ifPresent(percent -> progress.copied(
                        Math.min(size.bytes(), (long) (size.bytes() * (percent / WHOLE))), size.bytes()))));
        progress.copied(size.bytes(), size.bytes());
    }

    /** The latest of {@code (12.34/100%)}, which qemu-img writes over and over on one line. */
    private static OptionalDouble percent(String words) {
        OptionalDouble latest = OptionalDouble.empty();
        Matcher matcher = PERCENT.matcher(words);
        while (matcher.find()) {
            latest = OptionalDouble.of(Double.parseDouble(matcher.group(1)));
        }
        return latest;
    }

    /**
     * Where a part of what a guest sees lies.
     *
     * @param at offset of the guest's disk
     * @param offset in the file
     * @param file the image's own file, or one below it
     */
    public record Extent(long at, long length, long offset, Path file) {}

    /**
     * Where the parts of an image lie that hold something, in order of what the guest sees; all else reads as zeroes.
     *
     * @param at offset of the guest's disk
     * @param length which should be a GiB or two, since every part of it is held in memory
     * @return empty if that cannot be told, because the image is compressed or encrypted
     * @throws StorageException {@code COMMAND_FAILED}
     */
    public static Optional<List<Extent>> map(Path file, Format.Image format, long at, long length) {
        Command command = new Command(
                List.of(
                        "qemu-img",
                        "map",
                        "-U",
                        "-f",
                        format.word(),
                        "--start-offset=" + at,
                        "--max-length=" + length,
                        file.toString()),
                "unable to read the tables of image '" + file + "'",
                CHECK_DEADLINE);
        String table;
        try {
            table = command.run();
        } catch (StorageException e) {
            if (e.getMessage().contains(UNMAPPED)) {
                return Optional.empty();
            }
            throw e;
        }
        return Optional.of(
                extentsIn(table, Objects.requireNonNull(file.toAbsolutePath().getParent())));
    }

    /** The extents in what {@code qemu-img map} says; names of files are relative to the directory. */
    static List<Extent> extentsIn(String table, Path directory) {
        List<Extent> extents = new ArrayList<>();
        for (Matcher row = EXTENT.matcher(table); row.find(); ) {
            extents.add(new Extent(
                    Long.decode(row.group(1)),
                    Long.decode(row.group(2)),
                    Long.decode(row.group(3)),
                    directory.resolve(row.group(4))));
        }
        return extents;
    }

    /**
     * Writes a part of what a guest sees into a file that is there.
     *
     * @param length at most up to the end of the disk
     * @throws StorageException {@code COMMAND_FAILED}
     */
    public static void readPart(Path file, Format.Image format, long at, long length, Path target) {
        String options = "driver=raw,offset=" + at + ",size=" + length + ",file.driver=" + format.word()
                + fileOptions("file.file", file);
        List<String> arguments = List.of(
                "qemu-img", "convert", "-U", "-n", "-S", "0", "--image-opts", options, "-O", "raw", target.toString());
        new Command(arguments, "unable to read image '" + file + "'", CHECK_DEADLINE).run();
    }

    /** What {@link #check} found. */
    public enum Health {
        GOOD,
        /** Some space of the file is used by nothing; nothing is lost. */
        LEAKS,
        /** Its tables contradict each other. */
        CORRUPT
    }

    /**
     * Looks for damage in a qcow2 or vmdk image that nobody uses. What its tables name and the file does not have counts
     * too, so that an image of which the end is missing is found, as far as anything was there.
     *
     * @throws StorageException {@code COMMAND_FAILED} if that cannot be told
     */
    public static Health check(Path file, Format.Image format) {
        List<String> arguments = List.of("qemu-img", "check", "-q", "-f", format.word(), file.toString());
        int exitCode = new Command(arguments, null, CHECK_DEADLINE).end().exitCode();
        return switch (exitCode) {
            case 0 -> Health.GOOD;
            case CHECK_FOUND_CORRUPTION -> Health.CORRUPT;
            case CHECK_FOUND_LEAKS -> Health.LEAKS;
            default ->
                throw new StorageException(
                        StorageError.COMMAND_FAILED,
                        Outcome.FAILED_CLEAN,
                        "unable to check image '" + file + "': exit code " + exitCode);
        };
    }

    /** Gives back the space of a qcow2 image that is used by nothing; fails as {@link #resize} does. */
    public static void repairLeaks(Path file) {
        List<String> arguments = List.of("qemu-img", "check", "-q", "-r", "leaks", "-f", "qcow2", file.toString());
        run(new Command(arguments, "unable to repair image", CHECK_DEADLINE));
    }

    private static Duration deadline(ByteSize size, Optional<Preallocation> preallocation) {
        boolean fills = preallocation
                .filter(mode -> mode == Preallocation.FULL || mode == Preallocation.FALLOC)
                .isPresent();
        return fills ? DEADLINE.plusSeconds(size.bytes() / SLOWEST_BYTES_PER_SECOND) : DEADLINE;
    }

    private static void run(Command command) {
        run(command::run);
    }

    private static void run(Runnable command) {
        try {
            command.run();
        } catch (StorageException e) {
            if (e.getMessage().contains(LOCKED)) {
                throw new StorageException(StorageError.IN_USE, Outcome.FAILED_CLEAN, e.getMessage(), e);
            }
            throw e;
        }
    }
}
