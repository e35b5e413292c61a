package dev.tenon.core.backup.host;

import java.nio.file.Path;
import java.util.List;

/**
 * A container that is to be backed up.
 *
 * @param directory its root, which nobody changes meanwhile
 * @param exclude glob patterns of what is left out; a leading {@code /} is the container's root
 */
public record ContainerRequest(Path directory, List<String> exclude) {
    public ContainerRequest {
        exclude = List.copyOf(exclude);
    }
}
