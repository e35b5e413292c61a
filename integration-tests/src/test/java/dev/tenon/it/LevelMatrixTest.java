package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every method that a host of each level calls, on a plugin of each level: Perl calls Java, which calls Perl. The plugins
 * have exactly the methods and arguments of their level.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LevelMatrixTest {
    private static final MethodTable TABLE = StorageApi.API.table();

    /** These describe the plugin; a proxy answers them itself. */
    private static final Set<String> METADATA = Set.of("api", "type", "plugindata", "properties", "options");

    /** The object that it answers crosses in a way of its own, which {@link dev.tenon.it.backup.BackupMatrixTest} is about. */
    private static final String OBJECT = "new_backup_provider";

    private static final Map<String, Object> SECTION = Map.of("type", "recording", "nodes", Map.of("a", "1"));

    /** What the host passes, by parameter. */
    static final Map<String, Object> SAMPLES = Map.ofEntries(
            Map.entry("storeid", "nas"),
            Map.entry("scfg", SECTION),
            Map.entry("config", SECTION),
            Map.entry("update", Map.of("nodes", Map.of("b", "1"))),
            Map.entry("delete", List.of("content")),
            Map.entry("sensitive", Map.of("password", "secret")),
            Map.entry("volname", "vm-100-disk-0"),
            Map.entry("source_volname", "vm-100-disk-0"),
            Map.entry("target_volname", "vm-101-disk-0"),
            Map.entry("snapname", "before"),
            Map.entry("snap", "before"),
            Map.entry("snapshot", "before"),
            Map.entry("base_snapshot", "base"),
            Map.entry("source_snap", "before"),
            Map.entry("target_snap", "after"),
            Map.entry("with_snapshots", "1"),
            Map.entry("vmid", "100"),
            Map.entry("target_vmid", "101"),
            Map.entry("vollist", List.of("nas:vm-100-disk-0")),
            Map.entry("cache", Map.of()),
            Map.entry("hints", Map.of("guest-is-windows", "1")),
            Map.entry("fmt", "raw"),
            Map.entry("format", "raw"),
            Map.entry("name", "vm-100-disk-9"),
            Map.entry("size", "4194304"),
            Map.entry("timeout", "7"),
            Map.entry("isBase", "1"),
            Map.entry("running", "1"),
            Map.entry("shared", "1"),
            Map.entry("create", "1"),
            Map.entry("skipSchemaCheck", "1"),
            Map.entry("add_fmt_suffix", "1"),
            Map.entry("dryrun", "1"),
            Map.entry("feature", "snapshot"),
            Map.entry("opts", Map.of("valid_target_formats", List.of("raw"))),
            Map.entry("attribute", "notes"),
            Map.entry("value", "new notes"),
            Map.entry("notes", "new notes"),
            Map.entry("blockers", List.of("earlier")),
            Map.entry("keep", Map.of("keep-all", "0", "keep-last", "3")),
            Map.entry("type", "qemu"),
            Map.entry("vtype", "iso"),
            Map.entry("content_types", List.of("images")),
            Map.entry("machine_version", "10.0+pve1"),
            Map.entry("options", Map.of("snapshot-name", "before")),
            Map.entry("allow_rename", "1"),
            Map.entry("strict", "1"),
            Map.entry("func", PerlCaller.code("ran")),
            Map.entry("logfunc", PerlCaller.code("logged")),
            Map.entry("log_function", PerlCaller.code("logged")));

    /** What the host gets, by method; the others get nothing. */
    private static final Map<String, Object> ANSWERS = Map.ofEntries(
            Map.entry("check_config", Map.of("type", "recording", "nodes", Map.of("a", "1"), "checked", "1")),
            Map.entry("on_add_hook", Map.of("key", "k")),
            Map.entry("cluster_lock_storage", "ran"),
            Map.entry("check_connection", "1"),
            Map.entry("get_formats", Map.of("default", "qcow2", "valid", Map.of("raw", "1", "qcow2", "1"))),
            Map.entry("storage_can_replicate", "1"),
            Map.entry("get_identity", "serial 7"),
            Map.entry("parse_volname", Arrays.asList("images", "vm-100-disk-0.raw", "100", null, null, "base-", "raw")),
            Map.entry("FORMAT_EXTENSION", Map.of("raw", "", "dax", "dax")),
            Map.entry("is_valid_format", "1"),
            Map.entry("get_format_extension", "dax"),
            Map.entry("get_parsed_format", "dax"),
            Map.entry("volname_with_format", "vm-100-disk-9.dax"),
            Map.entry("volname_for_format", "vm-100-disk-8"),
            Map.entry("path", List.of("/dev/x", "100", "images")),
            Map.entry("filesystem_path", List.of("/srv/x", "100", "images")),
            Map.entry("get_subdir", "/srv/iso"),
            Map.entry(
                    "list_images",
                    List.of(Map.of(
                            "volid", "nas:vm-100-disk-0", "format", "raw", "size", "1024", "vmid", "100", "lun", "7"))),
            Map.entry(
                    "list_volumes",
                    List.of(Map.of(
                            "volid",
                            "nas:vm-100-disk-0",
                            "format",
                            "raw",
                            "content",
                            "images",
                            "verification",
                            Map.of("state", "ok")))),
            Map.entry("volume_size_info", Arrays.asList("1024", "raw", null, null, "5")),
            Map.entry("status", List.of("3000", "2000", "1000", "1")),
            Map.entry("find_free_diskname", "vm-100-disk-1"),
            Map.entry("alloc_image", "vm-100-disk-1"),
            Map.entry("create_base", "base-100-disk-0"),
            Map.entry("clone_image", "vm-101-disk-0"),
            Map.entry("rename_volume", "nas:vm-101-disk-0"),
            Map.entry("volume_snapshot_needs_fsfreeze", "0"),
            Map.entry("volume_snapshot_list", List.of("before")),
            Map.entry("volume_qemu_snapshot_method", "mixed"),
            Map.entry("volume_has_feature", "0"),
            Map.entry("map_volume", "/dev/mapper/x"),
            Map.entry("get_volume_attribute", "a note"),
            Map.entry("get_volume_notes", "a note"),
            Map.entry(
                    "prune_backups",
                    List.of(Map.of("volid", "nas:backup/x", "ctime", "5", "type", "qemu", "mark", "keep"))),
            Map.entry("qemu_blockdev_options", Map.of("driver", "nbd", "port", "10809", "read-only", "1")),
            Map.entry("get_import_metadata", Map.of("type", "vm", "net", Map.of())),
            Map.entry("volume_export_formats", List.of("raw+size", "zfs")),
            Map.entry("volume_import_formats", List.of()),
            Map.entry("volume_import", "nas:vm-100-disk-7"));

    /** What the base class says for a plugin that knows nothing of a method, whatever subs of that name it has. */
    private static final Map<String, Object> OF_BASE = Map.of(
            "FORMAT_EXTENSION",
            Map.of("raw", "raw", "qcow2", "qcow2", "vmdk", "vmdk", "subvol", "subvol"),
            "is_valid_format",
            "1",
            "get_format_extension",
            "raw",
            "volname_with_format",
            "vm-100-disk-9.raw");

    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicInteger refusals = new AtomicInteger();
    private static final int OLDEST = 9;

    private @Nullable Path plugins;
    private @Nullable PerlCaller host;

    /** What a plugin was called with. */
    private record Recorded(String method, String context, List<@Nullable Object> args) {}

    static IntStream levels() {
        return IntStream.rangeClosed(OLDEST, TABLE.newestLevel());
    }

    static List<Object[]> pairs() {
        return levels().boxed()
                .flatMap(host -> levels().mapToObj(plugin -> new Object[] {host, plugin}))
                .toList();
    }

    /** The most processes of a plugin. */
    int members() {
        return 16;
    }

    @BeforeAll
    void servePluginsOfAllLevels(Scratch scratch) throws IOException {
        Path directory = Files.createDirectory(scratch.file("recording"));
        plugins = directory;
        List<String> options = new ArrayList<>(List.of(
                "--adopted", scratch.file("nothing-adopted").toString(), "--members", Integer.toString(members())));
        for (int level : levels().toArray()) {
            Path file = Files.writeString(
                    directory.resolve("RecordingPlugin" + level + ".pm"),
                    Files.readString(Installation.plugin("RecordingPlugin.pm"))
                            .replace("__LEVEL__", Integer.toString(level))
                            .replace("__METHODS__", methodsOf(level)));
            options.addAll(List.of("--plugin", file.toString()));
        }
        DaemonProcess.startWith(scratch, options);
        host = PerlCaller.start(scratch);
    }

    private static String methodsOf(int level) {
        return TABLE.methods().values().stream()
                .filter(method -> method.isIn(level) && !METADATA.contains(method.name()))
                .map(method -> {
                    String signature = method.positionsAt(level).stream()
                            .map(position -> position.startsWith("%") ? position : "$" + position)
                            .collect(Collectors.joining(", "));
                    String comma = signature.isEmpty() ? "" : ", ";
                    return "sub %s ($class%s%s) { return answer('%s', wantarray%s%s) }"
                            .formatted(method.name(), comma, signature, method.name(), comma, signature);
                })
                .collect(Collectors.joining("\n\n"));
    }

    @AfterAll
    void tellTheCount() {
        System.out.printf(
                "%nlevel matrix: %d calls of %d host levels on %d plugin levels, %d of them refused%n",
                calls.get(), levels().count(), levels().count(), refusals.get());
        assertThat(calls).hasValueGreaterThan(3000);
    }

    @ParameterizedTest(name = "a host of level {0} calls a plugin of level {1}")
    @MethodSource("pairs")
    void everyMethodArrivesInTheWordsOfThePlugin(int hostLevel, int pluginLevel) throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Method method : TABLE.methods().values()) {
            if (method.isIn(hostLevel)
                    && !METADATA.contains(method.name())
                    && !method.name().equals(OBJECT)) {
                try {
                    call(method, hostLevel, pluginLevel);
                } catch (AssertionError e) {
                    wrong.add(e.getMessage());
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    private void call(Method method, int hostLevel, int pluginLevel) throws IOException {
        String what = method.name() + " of host " + hostLevel + " on plugin " + pluginLevel;
        Path notes = Objects.requireNonNull(plugins).resolve("notes-" + pluginLevel);
        Files.deleteIfExists(notes);
        List<@Nullable Object> args = new ArrayList<>();
        for (String position : method.positionsAt(hostLevel)) {
            if (position.startsWith("%")) {
                ((Map<?, ?>) sample(position.substring(1))).forEach((key, value) -> {
                    args.add(key);
                    args.add(value);
                });
            } else {
                args.add(position.equals("fh") ? stream(method) : sample(position));
            }
        }
        PerlCaller plugin = Objects.requireNonNull(host).calling("recording" + pluginLevel);
        PerlCaller.Answer answer = switch (method.perlContext()) {
            case "list" -> plugin.list(method.name(), args.toArray());
            case "scalar" -> plugin.scalar(method.name(), args.toArray());
            default -> plugin.nothing(method.name(), args.toArray());
        };
        calls.incrementAndGet();

        Optional<String> called = calledMethod(method, hostLevel, pluginLevel);
        if (called.isEmpty()) {
            assertThat(recorded(notes)).as(what).noneMatch(call -> call.method().equals(method.name()));
            if (method.isDeclared() && !method.name().equals("volname_for_format")) {
                assertThat(answer.value()).as(what).isEqualTo(OF_BASE.get(method.name()));
            } else {
                refusals.incrementAndGet();
            }
            return;
        }
        Method row = TABLE.method(called.get());
        // Before an import somebody looks whether its name is free.
        Set<String> before = method.name().equals("volume_import")
                ? Set.of("parse_volname", "list_images", "volume_size_info")
                : Set.of();
        assertThat(recorded(notes))
                .as("%s: %s", what, answer)
                .filteredOn(call -> !before.contains(call.method()))
                .containsExactly(
                        new Recorded(row.name(), row.perlContext(), expected(method, hostLevel, row, pluginLevel)));
        if (method.name().equals("volume_rollback_is_possible")) {
            assertThat(answer.died()).as(what).isEqualTo("can't rollback, 'before' is not most recent snapshot\n");
            if (hostLevel >= 10) {
                assertThat(answer.arguments().get(4))
                        .as(what)
                        .isEqualTo(pluginLevel >= 10 ? List.of("earlier", "later") : List.of("earlier"));
            }
            return;
        }
        if (method.name().equals("volume_snapshot_info")) {
            assertThat(answer.value())
                    .as(what)
                    .isEqualTo(Map.of("before", pluginLevel >= 10 ? Map.of("id", "guid", "timestamp", "5") : Map.of()));
        } else {
            assertThat(answer.value()).as(what).isEqualTo(ANSWERS.get(method.name()));
        }
        if (method.name().equals("volume_export")) {
            assertThat(streamed()).as(what).hasContent("exported");
        }
        assertInPlace(method, answer, what);
    }

    /** A handle of a file, which the plugin writes to or reads from. */
    private Map<String, String> stream(Method method) throws IOException {
        String file = Files.writeString(streamed(), "7").toString();
        return Map.of(method.name().equals("volume_import") ? "$read" : "$write", file);
    }

    private Path streamed() {
        return Objects.requireNonNull(plugins).resolve("stream");
    }

    private static Object sample(String param) {
        return Objects.requireNonNull(SAMPLES.get(param), param);
    }

    /** The caller's own hashes hold what the plugin changed. */
    private static void assertInPlace(Method method, PerlCaller.Answer answer, String what) {
        switch (method.name()) {
            case "check_config" ->
                assertThat(answer.arguments().get(1)).as(what).isEqualTo(ANSWERS.get("check_config"));
            case "on_add_hook" ->
                assertThat(answer.arguments().get(1))
                        .as(what)
                        .isEqualTo(Map.of("type", "recording", "nodes", Map.of("a", "1"), "mountpoint", "/mnt"));
            case "on_update_hook" ->
                assertThat(answer.arguments().get(1))
                        .as(what)
                        .isEqualTo(Map.of("nodes", Map.of("b", "1"), "updated", "1"));
            case "on_update_hook_full" ->
                assertThat(answer.arguments().get(2))
                        .as(what)
                        .isEqualTo(Map.of("nodes", Map.of("b", "1"), "updated", "1"));
            case "prune_backups" -> {
                assertThat(answer.arguments().get(2)).as(what).isEqualTo(Map.of("keep-last", "3"));
                assertThat(answer.ran()).as(what).isEqualTo(List.of(List.of("info", "pruned")));
            }
            case "cluster_lock_storage" -> assertThat(answer.ran()).as(what).isEqualTo(List.of(List.of()));
            default -> assertThat(answer.ran()).as(what).isEmpty();
        }
    }

    /** The method that the plugin is called by; none if it is of a level that cannot do that. */
    private static Optional<String> calledMethod(Method method, int hostLevel, int level) {
        String name = method.name();
        return switch (name) {
            case "volume_snapshot_info", "volume_snapshot_list" ->
                Optional.of(level < 10 ? "volume_snapshot_list" : "volume_snapshot_info");
            case "get_volume_attribute", "get_volume_notes" ->
                Optional.of(level < 10 ? "get_volume_notes" : "get_volume_attribute");
            case "update_volume_attribute", "update_volume_notes" ->
                Optional.of(level < 10 ? "update_volume_notes" : "update_volume_attribute");
            case "on_update_hook", "on_update_hook_full" ->
                Optional.of(level < 13 ? "on_update_hook" : "on_update_hook_full");
            // Without the name of the snapshot the volume itself would be resized.
            case "volume_resize" -> hostLevel >= 15 && level < 15 ? Optional.empty() : Optional.of(name);
            default -> method.isIn(level) ? Optional.of(name) : Optional.empty();
        };
    }

    private static List<@Nullable Object> expected(Method asked, int hostLevel, Method called, int level) {
        List<@Nullable Object> args = new ArrayList<>();
        for (String position : called.positionsAt(level)) {
            if (position.startsWith("%")) {
                ((Map<?, ?>) sample(position.substring(1))).forEach((key, value) -> {
                    args.add(key);
                    args.add(value);
                });
            } else {
                args.add(expected(position, asked, hostLevel, level));
            }
        }
        return args;
    }

    private static @Nullable Object expected(String param, Method asked, int hostLevel, int level) {
        boolean isGiven = asked.positionsAt(hostLevel).contains(param);
        return switch (param) {
            case "func", "logfunc" -> "CODE";
            case "fh" -> "GLOB";
            case "attribute" -> "notes";
            case "value" -> asked.name().equals("update_volume_notes") ? sample("notes") : sample("value");
            // The base class passes none, and no storage has one of its own.
            case "timeout" -> isGiven && !asked.name().endsWith("notes") ? sample(param) : null;
            case "notes", "sensitive" -> sample(param);
            // The caller's own list grows by those that the plugin tells.
            case "blockers" -> List.of();
            // A host below level 13 tells only what changes, and deletes what has no new value.
            case "scfg" ->
                asked.name().equals("on_update_hook")
                        ? Map.of("type", "recording" + level, "nodes", Map.of("b", "1"))
                        : sample(param);
            case "delete" -> isGiven ? sample(param) : null;
            // A list of volumes wins over the guest.
            case "vmid" -> asked.name().equals("list_images") ? null : sample(param);
            default -> isGiven ? sample(param) : null;
        };
    }

    private static List<Recorded> recorded(Path notes) throws IOException {
        List<Recorded> recorded = new ArrayList<>();
        if (!Files.exists(notes)) {
            return recorded;
        }
        for (String line : Files.readAllLines(notes)) {
            List<Object> note = JSON.std.listFrom(line);
            recorded.add(new Recorded(
                    String.valueOf(note.get(0)),
                    String.valueOf(note.get(1)),
                    new ArrayList<>(note.subList(2, note.size()))));
        }
        return recorded;
    }
}
