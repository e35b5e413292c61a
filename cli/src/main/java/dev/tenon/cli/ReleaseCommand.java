package dev.tenon.cli;

import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.cli.host.StateOption;
import dev.tenon.host.Adopted;
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

/** Puts an adopted plugin back. */
@Command(
        name = "release",
        mixinStandardHelpOptions = true,
        description = "Puts an adopted plugin back where it came from, byte for byte.",
        footer = {"", "Example: tenon release NasPlugin.pm"})
final class ReleaseCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "the file name of the plugin, or its path")
    private Path file = Path.of("");

    @Mixin
    private StateOption state = new StateOption();

    @Option(
            names = "--leave",
            description = "leave what is in the plugin's place now, for instance the version of a package update, and"
                    + " forget the one that is kept")
    private boolean leave;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Adopted adopted = new Adopted(state.directory());
        Path kept = adopted.kept(file);
        if (!Files.isRegularFile(kept, LinkOption.NOFOLLOW_LINKS)) {
            throw new IllegalArgumentException("'" + file.getFileName() + "' is not adopted; adopted are "
                    + adopted.plugins().stream().map(Path::getFileName).toList());
        }
        Path place = adopted.placeOf(kept);
        if (leave) {
            return leave(adopted, kept, place);
        }
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS) && !isProxy(place)) {
            throw new IllegalArgumentException(
                    "'" + place + "' is no proxy of Tenon, but another file, most likely of an update of the plugin's"
                            + " package; the adopted plugin stays at '" + kept + "'. To adopt what is there now: tenon"
                            + " adopt --replace " + place + "; to leave it to PVE: tenon release --leave "
                            + kept.getFileName() + "; to have the kept one back: move it away first");
        }
        adopted.putBack(kept);
        spec.commandLine()
                .getOut()
                .printf(
                        "'%s' is the plugin itself again%n"
                                + "next: restart pvedaemon, pveproxy and pvestatd, then the daemon (tenon serve)%n",
                        place);
        return 0;
    }

    private int leave(Adopted adopted, Path kept, Path place) throws IOException {
        if (isProxy(place)) {
            throw new IllegalArgumentException(
                    "'" + place + "' is a proxy of Tenon, which needs the plugin that is kept as '" + kept
                            + "'; release it without --leave");
        }
        adopted.forget(kept);
        spec.commandLine()
                .getOut()
                .printf(
                        "'%s' is no longer adopted; %s%n"
                                + "next: restart pvedaemon, pveproxy and pvestatd, then the daemon (tenon serve)%n",
                        kept.getFileName(),
                        Files.exists(place, LinkOption.NOFOLLOW_LINKS)
                                ? "PVE loads what is in its place, '" + place + "'"
                                : "nothing is in its place, '" + place + "'");
        return 0;
    }

    private static boolean isProxy(Path place) throws IOException {
        return Files.exists(place, LinkOption.NOFOLLOW_LINKS)
                && ProxyClass.isOne(Files.readString(place, StandardCharsets.ISO_8859_1));
    }
}
