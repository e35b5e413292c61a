package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.command.SharedAnswer;
import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.storage.common.SeenEffect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * LVM's commands. What is asked of all volume groups is asked once for all who ask at the same time, whichever storages they
 * ask for; nothing waits longer than the host's limits.
 */
final class Lvm {
    private static final Logger LOG = LoggerFactory.getLogger(Lvm.class);

    /** Most are about drives without a medium in them. */
    private static final String NO_MEDIUM = "open failed: No medium found";

    /** As text in both releases, where one of them would put errors into the report. */
    static final String CONFIG = "report/time_format=\"%s\" log/report_command_log=0";

    private static final Map<String, String> ENVIRONMENT = Map.of("LVM_SUPPRESS_FD_WARNINGS", "1");

    private final LvmHost host;
    private final SharedAnswer<List<LogicalVolume>> allVolumes;
    private final SharedAnswer<List<VolumeGroup>> allGroups;

    /** Those of one operation of the host. */
    private record Volumes(List<LogicalVolume> all) {}

    private record Groups(List<VolumeGroup> all) {}

    /** All types share what is asked. */
    private static final Map<LvmHost, Lvm> ALL = new ConcurrentHashMap<>();

    /** The commands of this host. */
    static Lvm of(LvmHost host) {
        return ALL.computeIfAbsent(host, Lvm::new);
    }

    private Lvm(LvmHost host) {
        this.host = host;
        allVolumes = new SharedAnswer<>("lvs", () -> Report.volumes(asked("lvs", Report.VOLUME_FIELDS, List.of())));
        allGroups = new SharedAnswer<>("vgs", () -> Report.groups(asked("vgs", Report.GROUP_FIELDS, List.of())));
    }

    LvmHost host() {
        return host;
    }

    // ---- questions

    /** All volumes of all groups, as they are now. */
    List<LogicalVolume> volumes() {
        return allVolumes.ask(host.read());
    }

    /** The same for all calls of one operation. */
    List<LogicalVolume> volumes(OperationCache cache) {
        return cache.get("lvm:volumes", Volumes.class, () -> new Volumes(volumes()))
                .all();
    }

    /** All groups, as one operation of the host knows them. */
    List<VolumeGroup> groups(OperationCache cache) {
        return cache.get("lvm:groups", Groups.class, () -> new Groups(allGroups.ask(host.read())))
                .all();
    }

    /** A group as it is now, empty if there is none of this name. */
    Optional<VolumeGroup> group(String name) {
        return allGroups.ask(host.read()).stream()
                .filter(group -> group.name().equals(name))
                .findFirst();
    }

    /**
     * The volumes of a group, as they are now.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if there is no such group
     */
    List<LogicalVolume> volumesOf(String group) {
        return Report.volumes(asked("lvs", Report.VOLUME_FIELDS, List.of(group)));
    }

    private String asked(String program, String fields, List<String> what) {
        List<String> arguments = new ArrayList<>(List.of(
                host.program(program),
                "--reportformat",
                "json",
                "--units",
                "b",
                "--nosuffix",
                "--config",
                CONFIG,
                "--options",
                fields));
        arguments.addAll(what);
        ShortCommand.Ended ended;
        try {
            ended = new ShortCommand(arguments, ENVIRONMENT, host.read()).run();
        } catch (StorageException e) {
            throw new StorageException(
                    e.error() == StorageError.COMMAND_FAILED ? StorageError.STORAGE_UNAVAILABLE : e.error(),
                    Outcome.NOT_STARTED,
                    e.getMessage(),
                    e);
        }
        warn(program, ended.errors());
        // If one group has a problem it says so, and still reports all others.
        if (ended.exitCode() != 0 && (!what.isEmpty() || !ended.output().contains("\"report\""))) {
            throw StorageException.refused(
                    StorageError.STORAGE_UNAVAILABLE, program + " " + String.join(" ", what) + ": " + words(ended));
        }
        return ended.output();
    }

    // ---- changes

    /**
     * Makes a change.
     *
     * @param failure what an error message begins with
     * @param program one of LVM's
     * @throws StorageException {@code NO_SPACE}, {@code NOT_FOUND}, {@code IN_USE}, {@code ALREADY_EXISTS}, {@code
     *     STORAGE_UNAVAILABLE} or {@code COMMAND_FAILED}, all {@code UNKNOWN}
     */
    void change(String failure, String program, List<String> arguments) {
        List<String> whole = new ArrayList<>(List.of(host.program(program)));
        whole.addAll(arguments);
        ShortCommand.Ended ended = new ShortCommand(whole, ENVIRONMENT, host.change()).run();
        warn(program, ended.errors());
        if (ended.exitCode() != 0) {
            throw new StorageException(errorOf(ended.errors()), Outcome.UNKNOWN, failure + ": " + words(ended));
        }
    }

    /** As {@link #change}, where it is known how to tell that nothing was changed. */
    void change(String failure, String program, List<String> arguments, BooleanSupplier isUnchanged) {
        try {
            change(failure, program, arguments);
        } catch (StorageException e) {
            throw SeenEffect.of(e, isUnchanged);
        }
    }

    private static String words(ShortCommand.Ended ended) {
        String last = ended.lastWords();
        return last == null ? "exit code " + ended.exitCode() : last;
    }

    private static void warn(String program, List<String> lines) {
        lines.stream()
                .filter(line -> !line.contains(NO_MEDIUM))
                .forEach(line -> LOG.info("event=said program={} line={}", program, Quoted.inWords(line)));
    }

    /** What a command means that failed with these lines on its standard error. */
    static StorageError errorOf(List<String> lines) {
        String all = String.join("\n", lines);
        if (all.contains("nsufficient free space")
                || all.contains("nsufficient suitable")
                || all.contains("reached threshold")
                || all.contains("o free space")) {
            return StorageError.NO_SPACE;
        }
        if (all.contains("ailed to find logical volume")) {
            return StorageError.NOT_FOUND;
        }
        if (all.contains("already exists in volume group")) {
            return StorageError.ALREADY_EXISTS;
        }
        if (all.contains(" in use") || all.contains("is used by another device")) {
            return StorageError.IN_USE;
        }
        return all.contains("Cannot process volume group") || all.matches("(?s).*olume group \"[^\"]*\" not found.*")
                ? StorageError.STORAGE_UNAVAILABLE
                : StorageError.COMMAND_FAILED;
    }

    /** How long a program may run that writes so many bytes, on a slow disk. */
    static Duration longEnoughFor(long bytes) {
        return Duration.ofMinutes(10).plusSeconds(bytes / (4L << 20));
    }
}
