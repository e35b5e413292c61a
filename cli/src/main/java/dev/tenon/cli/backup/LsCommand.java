package dev.tenon.cli.backup;

import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.cli.host.Shown;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.linux.TreeDirectory;
import dev.tenon.core.storage.tenonbackup.ContainerFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The files of a container's backup. */
@Command(
        name = "ls",
        mixinStandardHelpOptions = true,
        description = "Lists a directory of a container's backup, or one file. Owners are the container's.",
        footer = {
            "",
            "Example: tenon backup ls keep:backup/lxc/101/2026-01-02T03:04:05Z /etc",
            "Example: tenon backup ls keep:backup/lxc/101/2026-01-02T03:04:05Z --recursive --json"
        })
final class LsCommand extends FilesCommand {
    private static final String RIGHTS = "rwxrwxrwx";

    @Parameters(index = "1", arity = "0..1", paramLabel = "PATH", description = "in the container (default: /)")
    private String path = "/";

    @Option(names = "--recursive", description = "also what is in the directories below")
    private boolean recursive;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(ContainerFiles files) throws IOException {
        if (json.isGiven()) {
            List<Map<String, @Nullable Object>> rows = new ArrayList<>();
            files.list(path, recursive, entry -> rows.add(json(entry)));
            Json.print(out(), rows);
            return;
        }
        Table table = new Table()
                .text("MODE")
                .number("OWNER")
                .number("GROUP")
                .number("SIZE")
                .text("MODIFIED")
                .text("PATH");
        files.list(
                path,
                recursive,
                entry -> table.row(
                        mode(entry),
                        Long.toString(entry.owner()),
                        Long.toString(entry.group()),
                        isFile(entry) ? Long.toString(entry.size().bytes()) : "",
                        entry.kind() == TreeEntry.Kind.HARD_LINK ? "" : Shown.time(entry.seconds()),
                        name(entry)));
        table.print(out(), terminal());
    }

    private static boolean isFile(TreeEntry entry) {
        return entry.kind() == TreeEntry.Kind.FILE;
    }

    private static String name(TreeEntry entry) {
        String shown = "/" + TreeDirectory.shown(entry.path());
        return switch (entry.kind()) {
            case SYMBOLIC_LINK -> shown + " -> " + TreeDirectory.shown(entry.target());
            case HARD_LINK -> shown + " = /" + TreeDirectory.shown(entry.target());
            default -> shown;
        };
    }

    /** As {@code ls} shows it; a hard link has the mode of what it is another name of. */
    private static String mode(TreeEntry entry) {
        if (entry.kind() == TreeEntry.Kind.HARD_LINK) {
            return "h";
        }
        StringBuilder mode = new StringBuilder();
        mode.append(isFile(entry) ? '-' : entry.kind().letter());
        for (int i = 0; i < RIGHTS.length(); i++) {
            mode.append((entry.mode() & (0400 >> i)) != 0 ? RIGHTS.charAt(i) : '-');
        }
        special(mode, 3, (entry.mode() & 04000) != 0, 's');
        special(mode, 6, (entry.mode() & 02000) != 0, 's');
        special(mode, 9, (entry.mode() & 01000) != 0, 't');
        if (!entry.attributes().isEmpty()) {
            mode.append('+');
        }
        return mode.toString();
    }

    private static void special(StringBuilder mode, int at, boolean isSet, char letter) {
        if (isSet) {
            mode.setCharAt(at, mode.charAt(at) == 'x' ? letter : Character.toUpperCase(letter));
        }
    }

    private static Map<String, @Nullable Object> json(TreeEntry entry) {
        return Json.object(
                "path",
                "/" + TreeDirectory.shown(entry.path()),
                "kind",
                String.valueOf(entry.kind().letter()),
                "mode",
                entry.mode(),
                "owner",
                entry.owner(),
                "group",
                entry.group(),
                "size",
                isFile(entry) ? entry.size() : null,
                "modified",
                entry.seconds(),
                "target",
                entry.target().isEmpty() ? null : TreeDirectory.shown(entry.target()),
                "attributes",
                List.copyOf(entry.attributes().keySet()));
    }
}
