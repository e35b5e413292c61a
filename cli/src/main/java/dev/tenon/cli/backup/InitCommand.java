package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.host.Host;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a repository. */
@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        description = "Makes a repository of backups in a directory that is empty or yet to be made. 'tenon storage add"
                + " tenonbackup NAME --path DIR' makes it a storage, and makes the repository, too, if there is none.",
        footer = {"", "Example: tenon backup init /srv/backups"})
final class InitCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "the directory")
    private String directory = "";

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        Path made = Surroundings.of(command).path(directory);
        Repository.init(made);
        if (json.isGiven()) {
            Json.print(out(), Json.object("directory", made.toString()));
        } else {
            out().println(directory);
        }
    }
}
