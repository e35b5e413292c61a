package dev.tenon.it;

import dev.tenon.bridge.perl.SidecarSettings;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;

/** Tests of a plugin that tells in which of its processes it is called, and waits when it is told to. */
abstract class WithFamily {
    Scratch scratch;

    @BeforeEach
    void takeScratch(Scratch own) {
        scratch = own;
    }

    SidecarHost start(UnaryOperator<SidecarSettings> change) {
        return SidecarHost.start(scratch, Installation.plugin("FamilyPlugin.pm"), change);
    }

    static long ask(SidecarHost host, Storage storage, String habit) {
        return Objects.requireNonNull(host.plugin()
                        .volumeSizeInfo(storage, new VolumeName(habit), null)
                        .size())
                .bytes();
    }

    static long ask(SidecarHost host, String habit) {
        return ask(host, host.storage(), habit);
    }

    void awaitReady(String name) {
        Background.awaitReady(scratch.storage().resolve("ready-" + name));
    }

    void go(String name) throws IOException {
        Files.createFile(scratch.storage().resolve("go-" + name));
    }

    static Host process(long connection) {
        return new Host(true, sentence -> {}, new Host.Peer(1000 + connection, connection));
    }
}
