package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StreamSource.Extent;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which parts of a thin volume its pool has space for: all others read as zeroes. The pool keeps a copy of its metadata
 * while they are read by {@code thin_dump}, and has one such copy for all who ask: a second caller gets none.
 */
final class ThinMap {
    private static final Logger LOG = LoggerFactory.getLogger(ThinMap.class);

    private static final int SECTOR = 512;

    /** The device mapper's line of a thin volume; those with more words are based on a volume outside the pool. */
    private static final Pattern THIN = Pattern.compile("0 \\d+ thin \\d+:\\d+ (?<device>\\d+)");

    private static final Pattern BLOCK = Pattern.compile("<superblock [^>]*\\bdata_block_size=\"(\\d+)\"");
    private static final Pattern MAPPED = Pattern.compile("<device [^>]*\\bmapped_blocks=\"(\\d+)\"");
    private static final Pattern RANGE =
            Pattern.compile("<range_mapping origin_begin=\"(\\d+)\" data_begin=\"\\d+\" length=\"(\\d+)\"");
    private static final Pattern SINGLE = Pattern.compile("<single_mapping origin_block=\"(\\d+)\"");

    /**
     * The copy is given back also if this process does not live to see it. The file is there while it is held: whoever ends
     * the dump before must give it back, and nobody else may.
     */
    private static final String DUMP = """
            "$1" message "$2" 0 reserve_metadata_snap || exit
            : >"$6"
            "$3" -m --dev-id "$4" "$5"
            status=$?
            "$1" message "$2" 0 release_metadata_snap && rm -f "$6"
            exit $status
            """;

    private final LvmHost host;
    private final String group;
    private final String pool;

    ThinMap(LvmHost host, String group, String pool) {
        this.host = host;
        this.group = group;
        this.pool = pool;
    }

    /**
     * The parts of an active volume, in their order, after what was written is on the device. Empty if the pool does not
     * tell, which is logged: all must be read then.
     */
    Optional<List<Extent>> extents(Path device, String volume, long size) {
        try {
            try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
                channel.force(false);
            }
            Matcher table = THIN.matcher(
                    run(List.of(host.program("dmsetup"), "table", DeviceNames.of(group, volume)), host.read())
                            .strip());
            if (!table.matches()) {
                return untold(volume, "its device is not that of a thin volume of its own");
            }
            String name = DeviceNames.of(group, pool);
            Optional<List<Extent>> extents = parse(dump(name, table.group("device")), size);
            return extents.isPresent() ? extents : untold(volume, "what thin_dump says is not understood");
        } catch (StorageException | IOException e) {
            return untold(volume, String.valueOf(e.getMessage()));
        }
    }

    private String dump(String name, String device) throws IOException {
        Path directory = Files.createTempDirectory("tenon-thin-");
        Path held = directory.resolve("held");
        try {
            return run(
                    List.of(
                            "sh",
                            "-c",
                            DUMP,
                            "sh",
                            host.program("dmsetup"),
                            name + "-tpool",
                            host.program("thin_dump"),
                            device,
                            host.devices()
                                    .resolve("mapper")
                                    .resolve(name + "_tmeta")
                                    .toString(),
                            held.toString()),
                    host.change());
        } finally {
            if (Files.exists(held)) {
                release(name);
            }
            Files.deleteIfExists(held);
            Files.delete(directory);
        }
    }

    /** After a dump that was ended, perhaps by an interrupt, which is to reach the caller only. */
    private void release(String name) {
        boolean isInterrupted = Thread.interrupted();
        try {
            run(
                    List.of(host.program("dmsetup"), "message", name + "-tpool", "0", "release_metadata_snap"),
                    host.read());
        } catch (StorageException | IOException e) {
            LOG.warn(
                    "event=metadata-copy-left pool={} release=\"dmsetup message {}-tpool 0 release_metadata_snap\" reason=\"{}\"",
                    pool,
                    name,
                    e.getMessage());
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Optional<List<Extent>> untold(String volume, String reason) {
        LOG.info("event=all-is-read volume={}/{} reason=\"{}\"", group, volume, reason);
        return Optional.empty();
    }

    private static String run(List<String> command, Duration limit) throws IOException {
        ShortCommand.Ended ended = new ShortCommand(command, Map.of(), limit).run();
        if (ended.exitCode() != 0) {
            throw new IOException(ended.lastWords() == null ? "exit code " + ended.exitCode() : ended.lastWords());
        }
        return ended.output();
    }

    /** What thin_dump tells of one device, empty unless it is all of it. */
    static Optional<List<Extent>> parse(String dump, long size) {
        Matcher block = BLOCK.matcher(dump);
        Matcher mapped = MAPPED.matcher(dump);
        if (!block.find() || !mapped.find() || !dump.strip().endsWith("</superblock>")) {
            return Optional.empty();
        }
        long bytes = Long.parseLong(block.group(1)) * SECTOR;
        long blocks = 0;
        List<Extent> extents = new ArrayList<>();
        long end = 0;
        for (String line : (Iterable<String>) dump.lines()::iterator) {
            Matcher range = RANGE.matcher(line);
            Matcher single = SINGLE.matcher(line);
            boolean isRange = range.find();
            if (!isRange && !single.find()) {
                continue;
            }
            long at = Long.parseLong(isRange ? range.group(1) : single.group(1)) * bytes;
            long count = isRange ? Long.parseLong(range.group(2)) : 1;
            blocks += count;
            if (at < end) {
                return Optional.empty();
            }
            // The last block is whole in the pool, and the volume may end in it.
            long length = Math.min(count * bytes, size - at);
            end = at + count * bytes;
            Extent last = extents.isEmpty() ? null : extents.getLast();
            if (last != null && last.at() + last.length() == at) {
                extents.set(extents.size() - 1, new Extent(last.at(), last.length() + length));
            } else if (length > 0) {
                extents.add(new Extent(at, length));
            }
        }
        return blocks == Long.parseLong(mapped.group(1)) ? Optional.of(extents) : Optional.empty();
    }
}
