package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.core.linux.EffectiveUser;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where sockets go while a backup or restore runs. */
final class RunDirectory {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "where sockets go while it runs, a short path (default: /run/tenon/backup for root, else in"
                    + " $XDG_RUNTIME_DIR or /tmp)")
    private @Nullable Path given;

    Path path() {
        if (given != null) {
            return given.toAbsolutePath();
        }
        long user = EffectiveUser.id();
        if (user == 0) {
            return Path.of("/run/tenon/backup");
        }
        String own = Surroundings.of(command).variable("XDG_RUNTIME_DIR");
        return own == null ? Path.of("/tmp/tenon-backup-" + user) : Path.of(own, "tenon-backup");
    }
}
