package dev.tenon.core.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What the tools of each Debian release said when {@code releases/record.sh} was run there. */
public final class Records {
    private Records() {}

    /** One record, for instance {@code qcow2.info} of {@code trixie}. */
    public static String text(String release, String name) {
        String resource = "/releases/" + release + "/" + name;
        try (InputStream in = Objects.requireNonNull(Records.class.getResourceAsStream(resource), resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
