package dev.tenon.cli.inspect;

import dev.tenon.core.command.Command;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Has Perl look at plugin files, each in processes of its own.
 *
 * @param perlShim where Tenon's Perl is
 * @param pveLibrary PVE's own Perl libraries, null for an installed PVE or else the compat layer
 * @param libraries where the plugins' own modules are
 * @param deadline how long a plugin may take to be loaded
 */
record Inspector(Path perlShim, @Nullable Path pveLibrary, List<Path> libraries, Duration deadline) {
    /** Perl tries a plugin a few times at most, and keeps the deadline of each try itself. */
    private static final int MOST_TRIES = 25;

    Inspector {
        libraries = List.copyOf(libraries);
    }

    /** All of these files, as neighbours on one host. */
    List<Inspection> inspect(List<Path> files) throws IOException {
        List<Inspection> alone = new ArrayList<>();
        for (Path file : files) {
            alone.add(inspect(file, List.of(), List.of()));
        }
        List<Inspection> together = new ArrayList<>();
        for (Inspection inspection : alone) {
            List<String> borrowed = Neighbours.borrowed(inspection, alone);
            List<Path> rivals = Neighbours.rivals(inspection, alone);
            together.add(
                    borrowed.isEmpty() && rivals.isEmpty() ? inspection : inspect(inspection.file(), borrowed, rivals));
        }
        return Neighbours.collided(together);
    }

    /** What the PVE of this machine has that is not known here. */
    HostInspection inspectHost() throws IOException {
        List<String> command = new ArrayList<>(
                List.of("perl", perlShim.resolve("bin/tenon-inspect").toString(), "--host"));
        if (pveLibrary != null) {
            command.addAll(List.of("--pve-lib", pveLibrary.toString()));
        }
        return HostInspection.parse(new Command(command, "unable to inspect the installed PVE", deadline).run());
    }

    private Inspection inspect(Path file, List<String> declared, List<Path> neighbours) throws IOException {
        List<String> command = new ArrayList<>(
                List.of("perl", perlShim.resolve("bin/tenon-inspect").toString()));
        command.addAll(List.of("--deadline", Long.toString(deadline.toSeconds())));
        if (pveLibrary != null) {
            command.addAll(List.of("--pve-lib", pveLibrary.toString()));
        }
        libraries.forEach(library -> command.addAll(List.of("--lib", library.toString())));
        declared.forEach(property -> command.addAll(List.of("--declared", property)));
        neighbours.forEach(neighbour -> command.addAll(List.of("--neighbour", neighbour.toString())));
        command.addAll(List.of("--", file.toString()));
        Command perl = new Command(
                command,
                "unable to inspect '" + file + "'",
                deadline.multipliedBy(MOST_TRIES).plusMinutes(1));
        return Inspection.parse(file, perl.run());
    }
}
