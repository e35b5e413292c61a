package dev.tenon.it.sidebyside;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A storage in a directory and the host that uses it. */
interface Side {
    /** Does it as {@code PVE::Storage} does. */
    Answer call(Operation operation);

    /**
     * The images, by their ids.
     *
     * @param guest those of this guest, null for all
     */
    List<Listed> list(@Nullable String guest);

    Path directory();
}
