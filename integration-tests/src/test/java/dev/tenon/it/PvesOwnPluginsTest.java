package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The classes that come with PVE, which have no {@code api()}, can be hosted. */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class PvesOwnPluginsTest {
    private static List<Path> plugins() throws IOException {
        try (Stream<Path> files =
                Files.list(Objects.requireNonNull(Installation.pveLibrary()).resolve("PVE/Storage"))) {
            return files.filter(file -> file.toString().endsWith("Plugin.pm")
                            && !file.endsWith("Plugin.pm")
                            && !file.endsWith("PluginBase.pm"))
                    .sorted()
                    .toList();
        }
    }

    private static void isHosted(SidecarHost host, String name) {
        String type = host.plugin().type();
        assertThat(type).isEqualTo(name.replace("Plugin.pm", "").toLowerCase(java.util.Locale.ROOT));
        assertThat(host.plugin().pluginData().content()).isNotEmpty();
        assertThat(host.plugin().options()).isNotEmpty();
        if (List.of("lvm", "lvmthin", "zfspool").contains(type)) {
            assertThat(host.plugin().parseVolname(new VolumeName("vm-100-disk-0")))
                    .isInstanceOf(ParsedVolume.GuestImage.class);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("plugins")
    void aClassOfPveIsHostedFromWherePveHasIt(Path file, Scratch scratch) {
        isHosted(SidecarHost.start(scratch, file), file.getFileName().toString());
    }

    /** What it registers, such as formats, is registered by PVE's own by then. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("plugins")
    void aCopyOfAClassOfPveIsHosted(Path file, Scratch scratch) throws IOException {
        Path copy = Files.copy(file, scratch.file(file.getFileName().toString()));
        isHosted(SidecarHost.start(scratch, copy), file.getFileName().toString());
    }
}
