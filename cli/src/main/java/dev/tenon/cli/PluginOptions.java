package dev.tenon.cli;

import dev.tenon.bridge.perl.SidecarSettings;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How Perl plugins are hosted; the same for every command that hosts some. */
public final class PluginOptions {
    @Option(
            names = "--pve-lib",
            paramLabel = "DIR",
            defaultValue = "${env:TENON_PVE_LIB}",
            description =
                    "PVE's own Perl libraries for the plugins (default: $TENON_PVE_LIB; without it an installed PVE,"
                            + " else Tenon's compat layer)")
    private @Nullable Path pveLibrary;

    @Option(
            names = "--accept-old",
            description = "host plugins of an API version below 9, too, which no PVE of today loads")
    private boolean acceptsOld;

    /** PVE's own Perl libraries, null if none are named. */
    public @Nullable Path pveLibrary() {
        return pveLibrary;
    }

    /** The settings to host one plugin file with, its sockets in this directory. */
    public SidecarSettings settings(Path plugin, Path runtime) {
        return SidecarSettings.of(plugin, Home.perlShim(), pveLibrary, runtime).acceptingOld(acceptsOld);
    }
}
