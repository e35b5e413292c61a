package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.it.support.TenonCommand;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the table of all commands, {@code docs/COMMANDS.md}, says of each, tried with one that works: its exit statuses,
 * its JSON, and that whatever it says is told to be lost where its output is. The file is long because each command has its
 * line.
 */
class EveryCommandTest {
    private static final String IMAGE = "fast:100/vm-100-disk-0.qcow2";

    private @Nullable StorageCommands used;

    private StorageCommands withDirectory(Scratch scratch) {
        StorageCommands tenon = StorageCommands.withDirectory(scratch, "fast");
        used = tenon;
        return tenon;
    }

    /** Bases are immutable files, which the removal of the directory would meet. */
    @AfterEach
    void freeBases() {
        StorageCommands tenon = used;
        if (tenon != null) {
            for (int i = 0; i < 2; i++) { // clones come before their base
                volumes(tenon).stream()
                        .filter(volume -> volume.contains("-disk-"))
                        .forEach(volume -> tenon.run("volume", "free", volume));
            }
        }
    }

    /** What a command needs before it works, and its words. */
    @FunctionalInterface
    private interface Example {
        List<String> words(StorageCommands tenon, Scratch scratch) throws IOException;
    }

    /** A row of the table. */
    record Row(String name, String json, Set<String> statuses) {
        boolean hasJson() {
            return json.equals("`--json`");
        }

        /** Whether it prints nothing, even if all goes well. */
        boolean isSilent() {
            return json.equals("nothing") || name.equals("storage add") || name.equals("storage set");
        }
    }

    private static final Map<String, Example> EXAMPLES = examples();

    /** Those that need a process for long, an archive of another program, or a VM; they have tests of their own. */
    private static final Set<String> ELSEWHERE =
            Set.of("backup end-access", "backup import", "backup mount", "demo", "serve");

    private static Map<String, Example> examples() {
        Map<String, Example> all = new TreeMap<>();
        all.put("adopt", (tenon, scratch) -> adoption(scratch));
        all.put("backup cat", (tenon, scratch) -> ofContainer(tenon, scratch, "cat", "/etc/hostname"));
        all.put("backup copy", (tenon, scratch) -> {
            List<String> words = new ArrayList<>(ofBackup(tenon, scratch, "backup", "copy"));
            String second = scratch.file("second").toString();
            tenon.said("backup", "init", second);
            words.addAll(List.of("--to", second));
            return words;
        });
        all.put("backup create", (tenon, scratch) -> backup(tenon, scratch));
        all.put("backup diff", (tenon, scratch) -> {
            List<String> words = new ArrayList<>(ofBackup(tenon, scratch, "backup", "diff"));
            words.add(words.getLast());
            return words;
        });
        all.put("backup export", (tenon, scratch) -> {
            List<String> words = new ArrayList<>(ofBackup(tenon, scratch, "backup", "export"));
            words.add(scratch.file("out.vma").toString());
            return words;
        });
        all.put(
                "backup extract",
                (tenon, scratch) -> ofContainer(
                        tenon, scratch, "extract", "/etc", scratch.file("found").toString()));
        all.put("backup extract-config", (tenon, scratch) -> ofBackup(tenon, scratch, "backup", "extract-config"));
        all.put("backup forget", (tenon, scratch) -> ofBackup(tenon, scratch, "backup", "forget"));
        all.put("backup gc", (tenon, scratch) -> onRepository(tenon, scratch, "gc"));
        all.put(
                "backup init",
                (tenon, scratch) ->
                        List.of("backup", "init", scratch.file("made").toString()));
        all.put("backup key", (tenon, scratch) -> {
            String repository = scratch.file("sealed").toString();
            String key = scratch.file("backups.key").toString();
            tenon.said("backup", "init", repository, "--key-file", key);
            return List.of("backup", "key", repository, "--key-file", key);
        });
        all.put("backup list", (tenon, scratch) -> {
            ofBackup(tenon, scratch);
            return List.of("backup", "list", "keep");
        });
        all.put("backup ls", (tenon, scratch) -> ofContainer(tenon, scratch, "ls"));
        all.put("backup prune", (tenon, scratch) -> {
            List<String> words = new ArrayList<>(onRepository(tenon, scratch, "prune"));
            words.addAll(List.of("--keep", "keep-last=1", "--dry-run"));
            return words;
        });
        all.put("backup restore", (tenon, scratch) -> {
            List<String> words = new ArrayList<>(ofBackup(tenon, scratch, "backup", "restore"));
            words.add(scratch.file("restored").toString());
            return words;
        });
        all.put("backup show", (tenon, scratch) -> ofBackup(tenon, scratch, "backup", "show"));
        all.put("backup stats", (tenon, scratch) -> onRepository(tenon, scratch, "stats"));
        all.put("backup verify", (tenon, scratch) -> onRepository(tenon, scratch, "verify"));
        all.put(
                "check",
                (tenon, scratch) -> List.of(
                        "check",
                        "dir",
                        "--profile",
                        "clones",
                        "--scratch",
                        scratch.root().toString()));
        all.put("compare", (tenon, scratch) -> {
            image(tenon);
            return List.of("compare", "--old", "dir", "--new", "dir", "--storage", "fast");
        });
        all.put("completion", (tenon, scratch) -> List.of("completion"));
        all.put("copy", (tenon, scratch) -> {
            Files.writeString(
                    Files.createDirectories(scratch.storage().resolve("template/iso"))
                            .resolve("a.iso"),
                    "an image");
            return List.of("copy", "fast:iso/a.iso", "fast:iso/b.iso");
        });
        all.put("doctor", (tenon, scratch) -> {
            image(tenon);
            return List.of("doctor");
        });
        all.put(
                "export",
                (tenon, scratch) ->
                        List.of("export", image(tenon), scratch.file("stream").toString()));
        all.put("help", (tenon, scratch) -> List.of("help", "volume", "list"));
        all.put("import", (tenon, scratch) -> {
            String stream = scratch.file("stream").toString();
            tenon.run("export", image(tenon), stream);
            return List.of("import", "fast:100/vm-100-disk-9.raw", stream);
        });
        all.put(
                "inspect",
                (tenon, scratch) ->
                        List.of("inspect", Installation.legacyDirPlugin().toString()));
        all.put("libvirt define", (tenon, scratch) -> {
            String xml = tenon.said("libvirt", "vol-dumpxml", image(tenon)).replace("disk-0", "disk-7");
            return List.of(
                    "libvirt",
                    "define",
                    Files.writeString(scratch.file("volume.xml"), xml).toString(),
                    "--storage",
                    "fast");
        });
        all.put("libvirt pool-dumpxml", (tenon, scratch) -> List.of("libvirt", "pool-dumpxml", "fast"));
        all.put("libvirt vol-dumpxml", (tenon, scratch) -> List.of("libvirt", "vol-dumpxml", image(tenon)));
        all.put("proxy", (tenon, scratch) -> List.of("proxy", "dir"));
        all.put("release", (tenon, scratch) -> {
            TenonCommand adopted = TenonCommand.run(scratch, adoption(scratch).toArray(String[]::new));
            assertThat(adopted.status()).as(adopted.errors()).isZero();
            return List.of("release", "--state", tenon.adopted().toString(), "LegacyDirPlugin.pm");
        });
        all.put("record", (tenon, scratch) -> {
            DaemonProcess daemon = DaemonProcess.startWith(
                    scratch, List.of("--recordings", scratch.file("recordings").toString()));
            return List.of(
                    "record", "--seconds", "60", "--socket", daemon.socket().toString());
        });
        all.put("replay", (tenon, scratch) -> {
            Path recording = Files.writeString(scratch.file("recording"), """
                    {"tenon_recording":1,"begin":"2026-01-01T12:00:00Z","expires":"2026-01-15T12:10:00Z"}
                    {"at_us":10,"took_us":5,"method":"type","params":{},"result":"dir"}
                    {"end":"2026-01-01T12:10:00Z","why":"time","calls":1,"dropped":0,"left_out":0}
                    """);
            return List.of("replay", recording.toString(), "--on", "dir");
        });
        for (String asking : List.of("route", "shadow")) {
            all.put(asking, (tenon, scratch) -> {
                DaemonProcess daemon = DaemonProcess.start(scratch);
                return List.of(asking, "--socket", daemon.socket().toString());
            });
        }
        all.put("status", (tenon, scratch) -> {
            DaemonProcess daemon = DaemonProcess.start(scratch);
            return List.of("status", "--socket", daemon.socket().toString());
        });
        all.put("storage activate", (tenon, scratch) -> List.of("storage", "activate", "fast"));
        all.put(
                "storage add",
                (tenon, scratch) -> List.of(
                        "storage",
                        "add",
                        "dir",
                        "more",
                        "--path",
                        scratch.file("more").toString()));
        all.put("storage deactivate", (tenon, scratch) -> List.of("storage", "deactivate", "fast"));
        all.put("storage list", (tenon, scratch) -> List.of("storage", "list"));
        all.put("storage prune", (tenon, scratch) -> {
            archive(scratch);
            return List.of("storage", "prune", "fast", "--keep", "keep-last=1");
        });
        all.put("storage remove", (tenon, scratch) -> List.of("storage", "remove", "fast"));
        all.put("storage set", (tenon, scratch) -> List.of("storage", "set", "fast", "--content", "images"));
        all.put("storage status", (tenon, scratch) -> List.of("storage", "status"));
        all.put("volume activate", (tenon, scratch) -> List.of("volume", "activate", image(tenon)));
        all.put(
                "volume alloc",
                (tenon, scratch) -> List.of("volume", "alloc", "fast", "--vmid", "100", "--size", "1M"));
        all.put("volume base", (tenon, scratch) -> List.of("volume", "base", image(tenon)));
        all.put("volume clone", (tenon, scratch) -> {
            String base = tenon.line("volume", "base", image(tenon));
            return List.of("volume", "clone", base, "--vmid", "101");
        });
        all.put("volume deactivate", (tenon, scratch) -> List.of("volume", "deactivate", image(tenon)));
        all.put("volume free", (tenon, scratch) -> List.of("volume", "free", image(tenon)));
        all.put("volume info", (tenon, scratch) -> List.of("volume", "info", image(tenon)));
        all.put("volume list", (tenon, scratch) -> {
            image(tenon);
            return List.of("volume", "list", "fast");
        });
        all.put("volume notes", (tenon, scratch) -> List.of("volume", "notes", archive(scratch)));
        all.put("volume path", (tenon, scratch) -> List.of("volume", "path", image(tenon)));
        all.put("volume protect", (tenon, scratch) -> List.of("volume", "protect", archive(scratch)));
        all.put("volume rename", (tenon, scratch) -> List.of("volume", "rename", image(tenon), "--vmid", "101"));
        all.put("volume resize", (tenon, scratch) -> List.of("volume", "resize", image(tenon), "+1M"));
        all.put("volume rollback", (tenon, scratch) -> List.of("volume", "rollback", snapshot(tenon), "before"));
        all.put("volume snapshot", (tenon, scratch) -> List.of("volume", "snapshot", image(tenon), "before"));
        all.put("volume snapshots", (tenon, scratch) -> List.of("volume", "snapshots", snapshot(tenon)));
        return all;
    }

    private static Example example(String name) {
        return Objects.requireNonNull(EXAMPLES.get(name), name);
    }

    private static String image(StorageCommands tenon) {
        assertThat(tenon.line("volume", "alloc", "fast", "--vmid", "100", "--size", "1M", "--format", "qcow2"))
                .isEqualTo(IMAGE);
        return IMAGE;
    }

    private static String snapshot(StorageCommands tenon) {
        tenon.said("volume", "snapshot", image(tenon), "before");
        return IMAGE;
    }

    private static String archive(Scratch scratch) throws IOException {
        String name = "vzdump-qemu-100-2026_01_02-03_04_05.vma.zst";
        Path dump = Files.createDirectories(scratch.storage().resolve("dump"));
        Files.writeString(dump.resolve(name), "a backup");
        Files.writeString(dump.resolve(name + ".notes"), "notes");
        return "fast:backup/" + name;
    }

    private static List<String> adoption(Scratch scratch) throws IOException {
        Path custom = Files.createDirectories(scratch.file("custom"));
        Path file = Files.copy(Installation.legacyDirPlugin(), custom.resolve("LegacyDirPlugin.pm"));
        return List.of(
                "adopt",
                "--state",
                scratch.file("adopted").toString(),
                "--socket",
                DaemonProcess.socketIn(scratch).toString(),
                file.toString());
    }

    private static List<String> backup(StorageCommands tenon, Scratch scratch) throws IOException {
        String repository = scratch.file("repository").toString();
        tenon.said("storage", "add", "tenonbackup", "keep", "--path", repository);
        return List.of(
                "backup",
                "create",
                "--storage",
                "keep",
                "--vmid",
                "100",
                "--disk",
                scratch.storage() + "/images/" + image(tenon).substring("fast:".length()),
                "--guest-config",
                Files.writeString(scratch.file("guest.conf"), "memory: 1\n").toString());
    }

    private static List<String> ofBackup(StorageCommands tenon, Scratch scratch, String... words) throws IOException {
        TenonCommand made = tenon.run(backup(tenon, scratch).toArray(String[]::new));
        assertThat(made.status()).as(made.errors()).isZero();
        List<String> all = new ArrayList<>(List.of(words));
        all.add(made.said().strip());
        return all;
    }

    /** A backup of a container, and a command on it. */
    private static List<String> ofContainer(StorageCommands tenon, Scratch scratch, String command, String... more)
            throws IOException {
        tenon.said(
                "storage",
                "add",
                "tenonbackup",
                "keep",
                "--path",
                scratch.file("repository").toString());
        Path root = scratch.file("rootfs");
        Files.writeString(Files.createDirectories(root.resolve("etc")).resolve("hostname"), "hello\n");
        TenonCommand made = tenon.run(
                "backup",
                "create",
                "--storage",
                "keep",
                "--vmid",
                "101",
                "--container",
                root.toString(),
                "--guest-config",
                Files.writeString(scratch.file("pct.conf"), "memory: 1\n").toString());
        assertThat(made.status()).as(made.errors()).isZero();
        List<String> words = new ArrayList<>(
                List.of("backup", command, made.said().lines().toList().getLast()));
        words.addAll(List.of(more));
        return words;
    }

    private static List<String> onRepository(StorageCommands tenon, Scratch scratch, String command)
            throws IOException {
        ofBackup(tenon, scratch);
        return List.of("backup", command, "keep");
    }

    private static List<Row> rows() {
        try (Stream<String> lines = Files.lines(Installation.home().resolve("docs/COMMANDS.md"))) {
            return lines.filter(line -> line.startsWith("| `"))
                    .map(line -> line.split(" (?<!\\\\)\\| ", -1))
                    .map(cells -> new Row(
                            cells[0].replaceAll("[|` ]+(.*)`", "$1"),
                            cells[3],
                            Set.of(cells[5].replace(" |", "").split(" ", -1))))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Row> commands() {
        return rows().stream().filter(row -> EXAMPLES.containsKey(row.name()));
    }

    private static boolean readsConfiguration(Row row) {
        if (!row.name().contains(" ")) {
            return Set.of("check", "compare", "copy", "export", "import", "replay")
                    .contains(row.name());
        }
        // these two make the configuration if there is none
        return !Set.of("storage add", "libvirt define").contains(row.name());
    }

    private static String[] all(StorageCommands tenon, Row row, List<String> words, String... more) {
        List<String> all = new ArrayList<>(words);
        if (readsConfiguration(row)
                || row.name().startsWith("storage ")
                || row.name().startsWith("libvirt ")) {
            all.addAll(tenon.options());
        } else if (row.name().equals("doctor")) {
            all.addAll(tenon.options().subList(0, 2));
            all.addAll(List.of(
                    "--journal", tenon.adopted().resolveSibling("journal").toString()));
        }
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private static List<String> volumes(StorageCommands tenon) {
        return tenon.written().contains("dir: fast")
                ? tenon.said("volume", "list", "--names").lines().toList()
                : List.of();
    }

    @Test
    void eachOfTheTableIsTried() {
        List<String> names = new ArrayList<>(rows().stream().map(Row::name).toList());
        names.removeAll(ELSEWHERE);

        assertThat(EXAMPLES.keySet()).containsExactlyInAnyOrderElementsOf(names);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("commands")
    void endsWithTwoIfWronglyUsedAndWithZeroIfAllGoesWell(Row row, Scratch scratch) throws IOException {
        StorageCommands tenon = withDirectory(scratch);
        List<String> example = example(row.name()).words(tenon, scratch);
        String[] words = row.hasJson() ? all(tenon, row, example, "--json") : all(tenon, row, example);

        TenonCommand wrong = TenonCommand.run(scratch, with(words, "--frobnicate"));
        assertThat(wrong.status()).as(wrong.errors()).isEqualTo(2);
        assertThat(wrong.said()).isEmpty();
        if (readsConfiguration(row)) {
            TenonCommand lost = TenonCommand.run(
                    scratch, with(example.toArray(String[]::new), "--config", "/nonexistent/storage.cfg"));
            assertThat(lost.errors())
                    .startsWith("tenon: there is no configuration '/nonexistent/storage.cfg' (--config)");
            assertThat(lost.status()).isEqualTo(2);
            assertThat(lost.said()).isEmpty();
        }

        TenonCommand ended = TenonCommand.run(scratch, words);

        assertThat(ended.status()).as(ended.errors()).isZero();
        if (row.hasJson()) {
            assertThat(JSON.std.anyFrom(ended.said())).isInstanceOfAny(Map.class, List.class);
        } else {
            assertThat(ended.said().isEmpty()).as("silence of %s", row.name()).isEqualTo(row.isSilent() || isData(row));
        }
        assertThat(row.statuses()).contains("0", "2");
    }

    private static String[] with(String[] words, String... more) {
        return Stream.concat(Stream.of(words), Stream.of(more)).toArray(String[]::new);
    }

    /** What goes to standard output as it is, and not as text, is asked for in a process of its own. */
    private static boolean isData(Row row) {
        return Set.of("export", "backup cat", "backup extract-config").contains(row.name());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("commands")
    void whoseOutputIsLostDoesNotEndWellAndNamesWhatItMade(Row row, Scratch scratch) throws IOException {
        StorageCommands tenon = withDirectory(scratch);
        String[] words = all(tenon, row, example(row.name()).words(tenon, scratch));
        List<String> before = volumes(tenon);

        TenonCommand ended = TenonCommand.runUnheard(scratch, words);

        if (row.isSilent() || isData(row)) {
            assertThat(ended.errors()).isEmpty();
            assertThat(ended.status()).isZero();
        } else {
            assertThat(ended.errors()).contains("standard output cannot be written");
            assertThat(ended.status()).isIn(1, 3);
            assertThat(row.statuses()).contains(String.valueOf(ended.status()));
        }
        List<String> made = new ArrayList<>(volumes(tenon));
        made.removeAll(before);
        if (!made.isEmpty()) {
            assertThat(ended.errors()).contains(made);
            assertThat(ended.status()).as("it made %s", made).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"export", "backup cat", "backup extract-config", "demo"})
    void aFullDeviceAsStandardOutputIsAFailure(String name, Scratch scratch) throws IOException, InterruptedException {
        StorageCommands tenon = withDirectory(scratch);
        List<String> words = switch (name) {
            case "export" -> List.of(tenon.all("export", image(tenon), "-"));
            case "demo" -> List.of("demo");
            default -> List.of(tenon.all(example(name).words(tenon, scratch).toArray(String[]::new)));
        };
        Path errors = scratch.file("errors");
        ProcessBuilder process = new ProcessBuilder(
                        Installation.tenonCommand(scratch.temporary(), words.toArray(String[]::new)))
                .redirectInput(new File("/dev/null"))
                .redirectOutput(new File("/dev/full"))
                .redirectError(errors.toFile());
        process.environment().put("TENON_LOCK_DIR", scratch.file("lock").toString());

        int status = process.start().waitFor();

        assertThat(Files.readString(errors)).contains("tenon: ");
        assertThat(status).isEqualTo(1);
    }
}
