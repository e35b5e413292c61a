package dev.tenon.cli;

import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.host.PluginHosting;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** How Perl plugins are hosted; the same for every command that hosts some. */
public final class PluginOptions {
    private static final String LIBRARY = "--pve-lib";

    @Option(
            names = LIBRARY,
            paramLabel = "DIR",
            description =
                    "PVE's own Perl libraries for the plugins (default: $TENON_PVE_LIB; without it an installed PVE,"
                            + " else Tenon's compat layer)")
    private @Nullable Path pveLibrary;

    @Option(
            names = "--accept-old",
            description = "also host plugins of an API version below 9, which no current PVE loads")
    private boolean acceptsOld;

    @Option(
            names = "--members",
            paramLabel = "N",
            description = "how many processes a plugin has at most, each for one call at a time (default: 16)")
    private @Nullable Integer members;

    /** The value of an option in the environment, null if there is none. */
    static @Nullable String usual(ArgSpec argument, Surroundings surroundings) {
        return argument instanceof OptionSpec option && option.longestName().equals(LIBRARY)
                ? surroundings.variable("TENON_PVE_LIB")
                : null;
    }

    /** PVE's own Perl libraries, null if none are named. */
    public @Nullable Path pveLibrary() {
        return pveLibrary;
    }

    /** How many processes were asked for; null if that was left open. */
    @Nullable
    Integer members() {
        return members;
    }

    public PluginHosting hosting() {
        return new PluginHosting(pveLibrary(), acceptsOld, members == null ? SidecarSettings.USUAL_MEMBERS : members);
    }

    /** The settings to host one plugin file with, its sockets in this directory. */
    public SidecarSettings settings(Path plugin, Path runtime) {
        return hosting().settings(plugin, runtime);
    }
}
