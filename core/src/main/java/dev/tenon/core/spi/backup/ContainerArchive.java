package dev.tenon.core.spi.backup;

import java.nio.file.Path;

/** A container's archive while it is restored. */
public sealed interface ContainerArchive {
    /** Which mechanism it belongs to. */
    RestoreMechanism mechanism();

    /**
     * A tar file, which is read twice, so it is no pipe. Owners are the container's.
     *
     * @param file its name ends with {@code .tar}, or that and {@code .gz}, {@code .bz2}, {@code .xz}, {@code .lzo} or
     *     {@code .zst}
     */
    record Tar(Path file) implements ContainerArchive {
        @Override
        public RestoreMechanism mechanism() {
            return RestoreMechanism.TAR;
        }
    }

    /**
     * A directory, which root reads on the host. Owners are the container's: its root is 0.
     *
     * @param root other file systems may be mounted below
     */
    record Directory(Path root) implements ContainerArchive {
        @Override
        public RestoreMechanism mechanism() {
            return RestoreMechanism.DIRECTORY;
        }
    }
}
