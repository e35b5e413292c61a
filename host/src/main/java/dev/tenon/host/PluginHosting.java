package dev.tenon.host;

import dev.tenon.bridge.perl.SidecarSettings;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How Perl plugins are hosted.
 *
 * @param pveLibrary a directory with PVE's own Perl libraries; null for an installed PVE or else the compat layer
 * @param acceptsOld whether plugins of an API level that no PVE of today loads are hosted, too
 * @param members how many processes a plugin has at most
 */
public record PluginHosting(@Nullable Path pveLibrary, boolean acceptsOld, int members) {
    /** The settings to host one plugin file with, its sockets in this directory of mode 0700. */
    public SidecarSettings settings(Path plugin, Path runtime) {
        return SidecarSettings.of(plugin, Home.perlShim(), pveLibrary, runtime)
                .acceptingOld(acceptsOld)
                .withMembers(members);
    }
}
