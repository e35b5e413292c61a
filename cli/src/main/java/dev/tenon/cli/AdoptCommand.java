package dev.tenon.cli;

import dev.tenon.bridge.perl.PerlStoragePlugin;
import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.bridge.serve.Registration;
import dev.tenon.bridge.transport.UnixSockets;
import dev.tenon.cli.host.SocketOption;
import dev.tenon.cli.host.StateOption;
import dev.tenon.cli.inspect.Registrations;
import dev.tenon.host.Adopted;
import dev.tenon.host.Home;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Moves a plugin out of PVE's daemons. */
@Command(
        name = "adopt",
        mixinStandardHelpOptions = true,
        description =
                "Moves a Perl plugin behind the daemon: its file is kept, and a proxy of the same type, properties and"
                        + " options takes its place. storage.cfg stays as it is.",
        footer = {
            "",
            "Example: tenon adopt /usr/share/perl5/PVE/Storage/Custom/NasPlugin.pm",
            "A plugin that cannot be forked once it is loaded, or keeps what only one process may have, gets one process:"
                    + " tenon adopt --members 1 FILE.",
            "Afterwards restart the daemon and PVE's own (pvedaemon, pveproxy, pvestatd). 'tenon release' undoes it."
        })
final class AdoptCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "the plugin, where PVE loads it from")
    private Path file = Path.of("");

    @Mixin
    private StateOption state = new StateOption();

    @Mixin
    private SocketOption socket = new SocketOption();

    @Option(
            names = "--replace",
            description = "adopt the plugin although another version of it is adopted, for instance after a package"
                    + " update; the version that was kept stays beside it as '.previous'")
    private boolean replace;

    @Mixin
    private PluginOptions options = new PluginOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IllegalArgumentException("'" + file + "' is no regular file; name the plugin's own file");
        }
        if (ProxyClass.isOne(Files.readString(file, StandardCharsets.ISO_8859_1))) {
            throw new IllegalArgumentException("'" + file + "' is a proxy of Tenon already; nothing was done");
        }
        Adopted adopted = new Adopted(state.directory());
        Path kept = adopted.kept(file);
        // One whose proxy was not written yet, or that its package has put back, is as it was kept.
        boolean isAdopted = Files.exists(kept, LinkOption.NOFOLLOW_LINKS) && !isSame(adopted, kept);
        if (isAdopted) {
            refuseToReplace(adopted.placeOf(kept), kept);
        }
        Registration registration =
                Registrations.of(Home.perlShim(), file, options.hosting().pveLibrary());
        ProxyClass proxy = describe(kept, registration);
        if (isAdopted) {
            spec.commandLine().getOut().printf("the version that was adopted is now '%s'%n", adopted.keepInstead(file));
        } else {
            adopted.keep(file);
        }
        Integer members = options.members();
        if (members != null) {
            adopted.limit(kept, members);
        }
        Adopted.writeAtomically(file.toAbsolutePath(), proxy.source(), kept);
        spec.commandLine()
                .getOut()
                .printf(
                        "storage type '%s' is adopted: '%s' is a proxy now, the plugin is kept at '%s'%n"
                                + "%d methods go to the daemon, %d are answered in the host's process, the others are PVE's own%n"
                                + "next: restart the daemon (tenon serve), then pvedaemon, pveproxy and pvestatd%n",
                        proxy.type(),
                        file,
                        kept,
                        proxy.remote().size(),
                        proxy.local().size());
        if (members == null && !registration.holds().isEmpty()) {
            spec.commandLine()
                    .getOut()
                    .printf(
                            "note: while it is being loaded it opens or starts %s, which its processes will share or lack; to give it"
                                    + " one process, write 1 into '%s.members'%n",
                            String.join(", ", registration.holds()), kept);
        }
        return 0;
    }

    private boolean isSame(Adopted adopted, Path kept) throws IOException {
        Path place = adopted.placeOf(kept);
        return Files.exists(place) && Files.isSameFile(place, file) && Files.mismatch(kept, file) < 0;
    }

    private void refuseToReplace(Path place, Path kept) throws IOException {
        if (!Files.exists(place) || !Files.isSameFile(place, file)) {
            throw new IllegalArgumentException("a plugin of this name is adopted already, from '" + place
                    + "'; release it first: tenon release " + kept.getFileName());
        }
        if (!replace) {
            throw new IllegalArgumentException("'" + file
                    + "' is adopted already, but it holds a plugin and no proxy of"
                    + " Tenon: something has overwritten it, most likely an update of its package. The daemon serves"
                    + " the version that is kept as '" + kept + "'. To adopt what is there now: tenon adopt --replace "
                    + file + "; to leave it to PVE: tenon release --leave " + kept.getFileName());
        }
    }

    private ProxyClass describe(Path kept, Registration registration) throws IOException {
        Path runtime = Files.createTempDirectory("tenon-adopt-");
        try (UnixSockets sockets = new UnixSockets();
                PerlStoragePlugin plugin = PerlStoragePlugin.start(sockets, options.settings(file, runtime))) {
            String name = String.valueOf(file.getFileName()).replaceFirst("\\.pm$", "");
            return ProxyClass.ofPerl(
                    name,
                    plugin.type(),
                    registration,
                    plugin.description().overrides(),
                    kept,
                    Home.perlShim().resolve("lib"),
                    socket.path().toAbsolutePath());
        } finally {
            Files.deleteIfExists(runtime);
        }
    }
}
