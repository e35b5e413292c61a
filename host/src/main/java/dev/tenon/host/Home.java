package dev.tenon.host;

import dev.tenon.bridge.perl.PerlLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Objects;

/** Where this installation lies: a checkout, a package, or what was unpacked from the jars. */
public final class Home {
    private Home() {}

    /** The directory that holds {@code perl-shim}; the start script tells it. */
    public static Path directory() {
        return Objects.requireNonNull(perlShim().getParent());
    }

    /** Tenon's own Perl. */
    public static Path perlShim() {
        try {
            return PerlLibrary.directory();
        } catch (IOException e) {
            throw new UncheckedIOException("Tenon's Perl library cannot be unpacked: " + e.getMessage(), e);
        }
    }
}
