package dev.tenon.cli;

import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.host.Adopted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Puts an adopted plugin back. */
@Command(
        name = "release",
        mixinStandardHelpOptions = true,
        description = "Puts an adopted plugin back where it came from, to the byte.",
        footer = {"", "Example: tenon release NasPlugin.pm"})
final class ReleaseCommand implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "the file name of the plugin, or its path")
    private Path file = Path.of("");

    @Option(
            names = "--state",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "where adopted plugins are kept (default: ${DEFAULT-VALUE})")
    private Path state = Path.of(Adopted.DEFAULT);

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Adopted adopted = new Adopted(state);
        Path kept = adopted.kept(file);
        if (!Files.isRegularFile(kept, LinkOption.NOFOLLOW_LINKS)) {
            throw new IllegalArgumentException("'" + file.getFileName() + "' is not adopted; adopted are "
                    + adopted.plugins().stream().map(Path::getFileName).toList());
        }
        Path place = adopted.placeOf(kept);
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)
                && !ProxyClass.isOne(Files.readString(place, StandardCharsets.ISO_8859_1))) {
            throw new IllegalArgumentException(
                    "'" + place + "' is no proxy of Tenon, but another file; move it away first,"
                            + " the adopted plugin stays at '" + kept + "'");
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
}
