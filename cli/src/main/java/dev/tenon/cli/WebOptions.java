package dev.tenon.cli;

import dev.tenon.web.WebAddress;
import dev.tenon.web.WebSettings;
import dev.tenon.web.WebToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whether and how a daemon has a page. */
final class WebOptions {
    private static final String TOKEN = "web.token";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    @Option(
            names = "--web",
            paramLabel = "ADDRESS",
            description =
                    "shows what the daemon does on a page for browsers, with /metrics for Prometheus and /healthz, at"
                            + " 127.0.0.1:PORT, [::1]:PORT or unix:PATH")
    private @Nullable String address;

    @Option(
            names = "--web-token",
            paramLabel = "FILE",
            description =
                    "the file with the token that the page asks for; made if it is missing (default: web.token beside"
                            + " the control socket)")
    private @Nullable Path token;

    @Option(
            names = "--web-name",
            paramLabel = "NAME[:PORT]",
            description = "a name by which browsers call the page beside its address, such as that of a proxy; may be"
                    + " repeated")
    private List<String> names = new ArrayList<>();

    @Option(
            names = "--web-open",
            description = "let the page listen at an address that other machines reach; the token crosses the network"
                    + " unencrypted then")
    private boolean isOpen;

    @Option(
            names = "--web-reports",
            paramLabel = "DIR",
            description =
                    "a directory with a report, or with directories of reports, that the page shows beside those of"
                            + " --shadow-report; may be repeated")
    private List<Path> reports = new ArrayList<>();

    /**
     * Refuses wrong ones before anything is made.
     *
     * @param control the control socket, in whose place the page must not be
     */
    void check(Path control) {
        if (address().orElse(null) instanceof WebAddress.Unix(Path path)
                && place(path).equals(place(control))) {
            throw new ParameterException(
                    command.commandLine(),
                    "'" + path + "' is the control socket of the daemon: choose another path for the page (--web)");
        }
    }

    /** The same for all spellings of a path. */
    private static Path place(Path path) {
        Path whole = path.toAbsolutePath().normalize();
        Path directory = whole.getParent();
        try {
            return directory == null ? whole : directory.toRealPath().resolve(whole.getFileName());
        } catch (IOException e) {
            return whole;
        }
    }

    /**
     * How the page is given; empty if there is none.
     *
     * @param directory of the control socket
     * @param shadowReports where the daemon writes its own
     */
    Optional<WebSettings> settings(Path directory, Path shadowReports) throws IOException {
        Optional<WebAddress> wanted = address();
        if (wanted.isEmpty()) {
            return Optional.empty();
        }
        List<Path> places = new ArrayList<>(reports);
        places.add(shadowReports);
        return Optional.of(
                new WebSettings(wanted.get(), WebToken.in(tokenFile(directory)), new HashSet<>(names), places));
    }

    private Path tokenFile(Path directory) {
        return token == null ? directory.resolve(TOKEN) : token.toAbsolutePath();
    }

    private Optional<WebAddress> address() {
        if (address == null) {
            if (token != null || isOpen || !names.isEmpty() || !reports.isEmpty()) {
                throw new ParameterException(
                        command.commandLine(), "the other options of the page are for a page: add --web ADDRESS");
            }
            return Optional.empty();
        }
        try {
            WebAddress wanted = WebAddress.of(address);
            if (!wanted.isLocal() && !isOpen) {
                throw new ParameterException(
                        command.commandLine(),
                        "other machines reach the page at '" + address
                                + "': choose 127.0.0.1 or a Unix socket, or say so" + " with --web-open");
            }
            return Optional.of(wanted);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), String.valueOf(e.getMessage()));
        }
    }
}
