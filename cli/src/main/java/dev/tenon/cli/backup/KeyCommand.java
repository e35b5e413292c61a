package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryKeys;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.storage.common.SecretFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** By what an encrypted repository is opened. */
@Command(
        name = "key",
        mixinStandardHelpOptions = true,
        description =
                "Lists by what an encrypted repository is opened, or changes that. No backup is written anew. A key"
                        + " that is removed opens nothing from then on, but whoever used it before may have kept the repository's"
                        + " own key.",
        footer = {
            "",
            "Example: tenon backup key keep",
            "Example: tenon backup key keep --add web1 --write-only --new-key-file /root/web1.key",
            "Example: tenon backup key keep --change admin --new-passphrase-file /root/new-phrase",
            "Example: tenon backup key keep --paper"
        })
final class KeyCommand extends RepositoryCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Option(names = "--add", paramLabel = "NAME", description = "add a key")
    private @Nullable String added;

    @Option(
            names = "--write-only",
            description = "with --add: the key only adds backups, for a host that may be stolen; it reads none")
    private boolean isWriteOnly;

    @Option(names = "--change", paramLabel = "NAME", description = "replace what a key is opened by")
    private @Nullable String changed;

    @Option(names = "--remove", paramLabel = "NAME", description = "remove a key")
    private @Nullable String removed;

    @Option(names = "--paper", description = "print the repository's own key, to be kept on paper: it opens everything")
    private boolean isPaper;

    @Option(names = "--new-key-file", paramLabel = "FILE", description = "a key file; made if it is missing")
    private @Nullable String newKeyFile;

    @Option(
            names = "--new-passphrase-file",
            paramLabel = "FILE",
            description = "a file with a passphrase of at least 8 characters in one line")
    private @Nullable String newPassphraseFile;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Repository repository) throws IOException {
        long actions = Stream.of(added, changed, removed, isPaper ? "" : null)
                .filter(each -> each != null)
                .count();
        boolean hasNew = newKeyFile != null || newPassphraseFile != null;
        if (actions > 1) {
            throw wrongUsage("one of --add, --change, --remove and --paper at a time");
        }
        if ((added != null || changed != null) != hasNew || (newKeyFile != null && newPassphraseFile != null)) {
            throw wrongUsage("--add and --change take either --new-key-file or --new-passphrase-file");
        }
        if (isWriteOnly && added == null) {
            throw wrongUsage("--write-only is for --add");
        }
        RepositoryKeys keys = repository.keys();
        if (added != null) {
            keys.add(added, fresh(), !isWriteOnly);
        } else if (changed != null) {
            keys.change(changed, fresh());
        } else if (removed != null) {
            keys.remove(removed);
        } else if (isPaper) {
            paper(keys);
            return;
        }
        list(keys);
    }

    private Unlocking fresh() throws IOException {
        return newKeyFile != null
                ? keyFile(Surroundings.of(command).path(newKeyFile))
                : KeyOptions.passphrase(command, String.valueOf(newPassphraseFile));
    }

    /** A key file that is there, or is made. */
    static Unlocking keyFile(Path file) throws IOException {
        if (Files.exists(file)) {
            return Unlocking.ofFile(Files.readString(file));
        }
        Unlocking.KeyFile made = Unlocking.KeyFile.generate();
        new SecretFile(file.toAbsolutePath()).write(made.text() + "\n", "rw-------");
        return made;
    }

    private void paper(RepositoryKeys keys) throws IOException {
        if (json.isGiven()) {
            Json.print(out(), Json.object("fingerprint", keys.fingerprint(), "paper", keys.paper()));
        } else {
            out().print(keys.paper());
        }
    }

    private void list(RepositoryKeys keys) throws IOException {
        if (json.isGiven()) {
            Json.print(
                    out(),
                    Json.object(
                            "fingerprint",
                            keys.fingerprint(),
                            "keys",
                            keys.slots().stream()
                                    .map(slot -> Json.object(
                                            "name", slot.name(),
                                            "kind", kind(slot),
                                            "write-only", !slot.isFull() && !slot.isDamaged()))
                                    .toList()));
            return;
        }
        Table table = new Table().text("KEY").text("KIND").text("MAY");
        keys.slots().forEach(slot -> table.row(slot.name(), kind(slot), rights(slot)));
        table.print(out(), terminal());
    }

    private static String rights(RepositoryKeys.Slot slot) {
        if (slot.isDamaged()) {
            return "nothing";
        }
        return slot.isFull() ? "read and add" : "only add";
    }

    private static String kind(RepositoryKeys.Slot slot) {
        if (slot.isDamaged()) {
            return "damaged";
        }
        return slot.isPassphrase() ? "passphrase" : "key file";
    }
}
