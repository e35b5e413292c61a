package dev.tenon.it.sidebyside;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A storage in Perl: PVE's own type {@code dir}, or where there is no PVE the example plugin. */
final class PerlSide implements Side {
    private final PerlProgram perl;
    private final String storage;
    private final Path directory;

    private PerlSide(PerlProgram perl, String storage, Path directory) {
        this.perl = perl;
        this.storage = storage;
        this.directory = directory;
    }

    static PerlSide start(Scratch scratch, String storage, Path directory, boolean hasSnapshotChains) {
        return start(scratch, storage, directory, config(scratch, storage, directory, hasSnapshotChains));
    }

    /** @param config of a storage of any type, as {@link #config} makes it */
    static PerlSide start(Scratch scratch, String storage, Path directory, String config) {
        return start(List.of(), scratch, storage, directory, config);
    }

    /** The same by a command that runs the command after it. */
    static PerlSide start(List<String> runner, Scratch scratch, String storage, Path directory, String config) {
        PerlProgram perl = PerlProgram.startBy(runner, scratch, Installation.resource("perl/storage-side.pl"));
        perl.say(config);
        return new PerlSide(perl, storage, directory);
    }

    /** The line of configuration that the programs of the tests read first. */
    static String config(Scratch scratch, String storage, Path directory, boolean hasSnapshotChains) {
        boolean isReal = Installation.pveLibrary() != null;
        Map<String, Object> section = new LinkedHashMap<>();
        section.put("type", isReal ? "dir" : "legacydir");
        section.put("path", directory.toString());
        section.put("content", Map.of("images", 1));
        if (!isReal) {
            section.put("legacydir-quiet", 1);
        }
        if (hasSnapshotChains) {
            section.put("snapshot-as-volume-chain", 1);
        }
        List<String> plugins =
                isReal ? List.of() : List.of(Installation.legacyDirPlugin().toString());
        return config(scratch, storage, section, plugins);
    }

    /** The same of any section. */
    static String config(Scratch scratch, String storage, Map<String, Object> section, List<String> plugins) {
        return json(
                Map.of("ids", Map.of(storage, section), "locks", locks(scratch).toString(), "plugins", plugins));
    }

    /** Where the locks are, if there is no PVE, which has a place of its own. */
    static Path locks(Scratch scratch) {
        return scratch.file("locks");
    }

    private static String json(Object value) {
        try {
            return JSON.std.asString(value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public Answer call(Operation operation) {
        Map<String, Object> told = ask(operation);
        Object error = told.get("error");
        if (error != null) {
            return Answer.refused(error.toString(), directory.toString());
        }
        Object result = told.get("result");
        return switch (operation.function()) {
            case "volume_size_info" -> sizeInfo(result);
            case "volume_snapshot_info" -> Answer.of(snapshots(result), directory.toString());
            case "volume_has_feature" -> Answer.of(isTrue(result), directory.toString());
            case "vdisk_free",
                    "volume_resize",
                    "volume_snapshot",
                    "volume_snapshot_delete",
                    "volume_snapshot_rollback" -> Answer.of(null, directory.toString());
            default -> Answer.of(result, directory.toString());
        };
    }

    /** PVE tells of a missing volume by a warning and undef. */
    private Answer sizeInfo(@Nullable Object result) {
        List<?> info = (List<?>) Objects.requireNonNull(result);
        if (info.getFirst() == null) {
            return Answer.refused("volume does not exist", directory.toString());
        }
        List<@Nullable Object> compared = new ArrayList<>();
        compared.add(info.get(0));
        compared.add(info.get(1));
        compared.add(info.get(3));
        return Answer.of(compared, directory.toString());
    }

    /** PVE takes the base of a linked clone for a snapshot without a name, and for the parent of the oldest one. */
    private static Map<String, Object> snapshots(@Nullable Object result) {
        Map<String, Object> snapshots = new LinkedHashMap<>();
        ((Map<?, ?>) Objects.requireNonNull(result)).forEach((name, info) -> {
            Map<Object, Object> compared = new LinkedHashMap<>((Map<?, ?>) info);
            compared.remove("timestamp");
            // Of ZFS, where it is another for each.
            compared.remove("id");
            compared.values().removeIf(Objects::isNull);
            if (!name.toString().isEmpty()) {
                snapshots.put(name.toString(), compared);
            }
        });
        return snapshots;
    }

    private static boolean isTrue(@Nullable Object value) {
        return value != null && !value.toString().isEmpty() && !value.toString().equals("0");
    }

    @Override
    public List<Listed> list(@Nullable String guest) {
        Object lists = Objects.requireNonNull(
                ask(Operation.of("vdisk_list", storage, guest)).get("result"), perl::errors);
        List<Listed> listed = new ArrayList<>();
        for (Object item : (List<?>) Objects.requireNonNull(((Map<?, ?>) lists).get(storage))) {
            Map<?, ?> entry = (Map<?, ?>) item;
            listed.add(new Listed(
                    text(entry, "volid"),
                    text(entry, "format"),
                    Long.parseLong(text(entry, "size")),
                    text(entry, "vmid"),
                    entry.get("used") == null ? -1 : Long.parseLong(text(entry, "used")),
                    entry.get("parent") == null ? null : text(entry, "parent")));
        }
        listed.sort(Comparator.comparing(Listed::volid));
        return listed;
    }

    private static String text(Map<?, ?> entry, String key) {
        return String.valueOf(Objects.requireNonNull(entry.get(key), key));
    }

    private Map<String, Object> ask(Operation operation) {
        perl.say(operation.json());
        try {
            return JSON.std.mapFrom(perl.line());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
