package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryOptions;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a repository. */
@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        description = "Makes a repository of backups in a directory that is empty or yet to be made. 'tenon storage add"
                + " tenonbackup NAME --path DIR' makes it a storage, and makes the repository, too, if there is none.",
        footer = {
            "",
            "Example: tenon backup init /srv/backups",
            "Example: tenon backup init /srv/backups --key-file /root/backups.key --parity 10"
        })
final class InitCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "the directory")
    private String directory = "";

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description =
                    "encrypt backups by this key file; it is made if it is missing. Keep a copy elsewhere: without a"
                            + " key nobody can read the backups")
    private @Nullable String keyFile;

    @Option(
            names = "--passphrase-file",
            paramLabel = "FILE",
            description =
                    "encrypt backups by the passphrase in this file, of at least 8 characters; with --key-file both"
                            + " open the repository")
    private @Nullable String passphraseFile;

    @Option(
            names = "--parity",
            paramLabel = "PERCENT",
            description = "add so much to each pack that damage can be repaired, 1 to 100 (default: none)")
    private int parity;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        Path made = Surroundings.of(command).path(directory);
        if (parity < 0 || parity > 100) {
            throw wrongUsage("--parity " + parity + " is not 0 to 100 percent");
        }
        Map<String, Unlocking> keys = new LinkedHashMap<>();
        if (passphraseFile != null) {
            keys.put("passphrase", KeyOptions.passphrase(command, passphraseFile));
        }
        if (keyFile != null) {
            keys.put("key-file", KeyCommand.keyFile(Surroundings.of(command).path(keyFile)));
        }
        Repository.init(made, new RepositoryOptions(keys, parity));
        if (json.isGiven()) {
            Json.print(out(), Json.object("directory", made.toString()));
        } else {
            out().println(directory);
        }
    }
}
