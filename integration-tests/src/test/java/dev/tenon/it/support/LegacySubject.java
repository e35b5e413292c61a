package dev.tenon.it.support;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.tck.Abilities;
import dev.tenon.tck.Subject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** What the contract is told of the example plugin, however it is reached. */
public final class LegacySubject {
    private static final Set<Image> FORMATS = Set.of(Image.RAW, Image.QCOW2);
    private static final Abilities ABILITIES = new Abilities(
            FORMATS,
            Set.of(Image.QCOW2),
            FORMATS,
            FORMATS,
            FORMATS,
            FORMATS,
            false,
            false,
            false,
            Installation.pveLibrary() == null);

    private LegacySubject() {}

    public static Subject of(SidecarHost host, Scratch scratch) {
        Path missing = scratch.file("missing");
        Path outside = scratch.file("outside");
        try {
            Files.createDirectory(outside);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Subject.ofFiles(
                host.plugin(),
                host.storage(),
                host.storage("path", missing.toString(), "create-base-path", "0", "create-subdirs", "0"),
                outside,
                ABILITIES);
    }
}
