package dev.tenon.host;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where this installation lies: a checkout, or what was installed from one. */
public final class Home {
    private Home() {}

    /** The directory that holds {@code perl-shim}; the start script tells it. */
    public static Path directory() {
        Path home =
                Path.of(System.getProperty("tenon.home", ".")).toAbsolutePath().normalize();
        if (!Files.isDirectory(home.resolve("perl-shim"))) {
            throw new IllegalStateException("'" + home + "' holds no perl-shim; start Tenon with bin/tenon");
        }
        return home;
    }

    public static Path perlShim() {
        return directory().resolve("perl-shim");
    }
}
