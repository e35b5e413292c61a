package dev.tenon.cli.libvirt;

import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Host;
import dev.tenon.libvirt.PoolXml;
import dev.tenon.libvirt.StorageDefinition;
import dev.tenon.libvirt.VolumeXml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes what XML describes. */
@Command(
        name = "define",
        mixinStandardHelpOptions = true,
        description = {
            "Adds the storage that the XML of a pool describes, or with --storage allocates the image that the XML of a"
                    + " volume describes and prints its volume id. What the XML says and a storage cannot have is named"
                    + " on standard error."
        },
        footer = {"", "Example: tenon libvirt define pool.xml"})
final class DefineCommand extends HostCommand {
    /** No description of a pool or volume is nearly as long. */
    private static final long LONGEST = 1L << 20;

    @Parameters(paramLabel = "FILE", description = "the XML, in UTF-8")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(names = "--storage", paramLabel = "STORAGE", description = "the file describes a volume of this storage")
    private @Nullable StorageId storage;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected boolean makesConfiguration() {
        return storage == null;
    }

    @Override
    protected void run(Host host) throws IOException {
        byte[] document = document();
        if (storage == null) {
            addStorage(host, PoolXml.read(document));
        } else {
            VolumeXml.Wanted wanted = VolumeXml.read(document);
            tellMade(
                    host.of(storage)
                            .allocImage(storage, wanted.owner(), wanted.format(), wanted.name(), wanted.capacity()),
                    json);
        }
    }

    private byte[] document() throws IOException {
        try {
            if (Files.size(file) > LONGEST) {
                throw wrongUsage("file '" + file + "' has more than 1 MiB, which no XML of a pool or volume has");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw wrongUsage("there is no file '" + file + "'");
        }
    }

    private void addStorage(Host host, StorageDefinition definition) throws IOException {
        StoragePlugin plugin = host.type(definition.type());
        if (plugin == null) {
            throw wrongUsage("the pool is a storage of type '" + definition.type()
                    + "', which nobody answers for here; name a plugin of that type with --plugin");
        }
        if (!definition.left().isEmpty()) {
            err().println("a storage has no " + String.join(", ", definition.left()) + " of a pool");
        }
        host.configuration().add(definition.id(), plugin.type(), definition.properties(), host.of()::tryStorage);
    }
}
