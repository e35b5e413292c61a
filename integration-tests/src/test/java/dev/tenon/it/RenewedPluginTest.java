package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.VolumeAttribute;
import dev.tenon.core.spi.VolumeName;
import dev.tenon.it.support.Background;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A new version of a plugin's file is taken up while the daemon runs. */
class RenewedPluginTest extends WithFamily {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String NOTES = "sub get_volume_notes { return 'notes' }\n1;\n";
    private static final String ATTRIBUTES = "sub get_volume_attribute { return 'an attribute' }\n1;\n";

    private Path write(Path file, int version, String end) throws IOException {
        Path hidden = file.resolveSibling(".new");
        Files.writeString(
                hidden,
                Files.readString(Installation.plugin("FamilyPlugin.pm"))
                                .replace("$VERSION_OF_FILE = 1", "$VERSION_OF_FILE = " + version)
                                .replace("return 15 }", "return " + Math.max(9, version) + " }")
                        + end);
        return Files.move(hidden, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    @Test
    void aNewVersionOfTheFileIsUsedByNewMembersAndCallsOfTheOldOneEndWell() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 1, "");
        SidecarHost host = SidecarHost.start(scratch, file);
        Background<Long> old = Background.of(() -> ask(host, "wait-a"));
        awaitReady("a");
        assertThat(ask(host, "version")).isEqualTo(1);

        write(file, 2, "");

        await().atMost(LIMIT).until(() -> ask(host, "version") == 2);
        go("a");
        assertThat(old.result()).isPositive();
        await().atMost(LIMIT).until(() -> ProcessHandle.of(old.result()).isEmpty());
        assertThat(ask(host, "version")).isEqualTo(2);
    }

    @Test
    void workThatWasLeftInTheOldVersionIsDoneAfterwards() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 1, "");
        SidecarHost host = SidecarHost.start(scratch, file);
        Cleanup left = host.plugin()
                .freeImage(host.storage(), new VolumeName("vm-100-disk-0"), false, Format.Image.RAW)
                .orElseThrow();

        write(file, 2, "");

        await().atMost(LIMIT).until(() -> ask(host, "version") == 2);
        assertThat(host.plugin().members()).hasSize(2);
        left.run();
        assertThat(scratch.storage().resolve("freed")).exists();
        await().atMost(LIMIT).until(() -> host.plugin().members().size() == 1);
    }

    @Test
    void aNewVersionThatCannotBeLoadedIsToldAndTheOldOneGoesOn() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 1, "");
        SidecarHost host = SidecarHost.start(scratch, file);

        write(file, 2, "this is no Perl;\n");

        await().atMost(LIMIT)
                .until(() -> ask(host, "version") == 1
                        && host.log().stream().anyMatch(line -> line.contains("event=plugin-not-reloaded")));
        assertThat(ask(host, "version")).isEqualTo(1);
        write(file, 3, "");
        await().atMost(LIMIT).until(() -> ask(host, "version") == 3);
    }

    /** It had notes by the method of an older level, and has attributes by that of a newer one. */
    @Test
    void aCallThatWaitedWhileAVersionOfAnotherLevelCameIsMadeInItsWords() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 9, NOTES);
        SidecarHost host = SidecarHost.start(scratch, file, settings -> settings.withMembers(3));
        List<Background<Long>> lasting = new ArrayList<>();
        for (String name : List.of("a", "b", "c")) {
            lasting.add(Background.of(() -> ask(host, "wait-" + name)));
            awaitReady(name);
        }
        assertThat(host.plugin().description().level()).isEqualTo(9);
        Background<Optional<String>> waiting = Background.of(
                () -> host.plugin().attribute(host.storage(), new VolumeName("vm-100-disk-0"), VolumeAttribute.NOTES));
        waiting.awaitWaiting();

        write(file, 15, ATTRIBUTES);
        // Whoever calls has the file looked at, once a second.
        List<Background<Long>> looking = new ArrayList<>();
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(300)).until(() -> {
            looking.add(Background.of(() -> ask(host, "version")));
            return host.plugin().description().level() == 15;
        });
        go("a");

        assertThat(waiting.result()).contains("an attribute");
        for (Background<Long> call : looking) {
            assertThat(call.result()).isEqualTo(15);
        }
        assertThat(lasting.getFirst().result()).isPositive();
        go("b");
        go("c");
        for (Background<Long> call : lasting) {
            assertThat(call.result()).isPositive();
        }
    }

    @Test
    void aVersionOfAnotherTypeIsNotTakenUp() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 1, "");
        SidecarHost host = SidecarHost.start(scratch, file, settings -> settings.withMembers(1));
        write(file, 2, "sub type { return 'another' }\n1;\n");
        await().atMost(LIMIT)
                .untilAsserted(() -> assertThatThrownBy(() -> ask(host, "version"))
                        .hasMessageContaining("is 'another' now and was 'family', which needs a restart"));
        write(file, 3, "");
        await().atMost(LIMIT).ignoreExceptions().until(() -> ask(host, "version") == 3);
    }

    @Test
    void aPluginOfOneProcessIsLoadedAnewWhenItsFileChanges() throws Exception {
        Path file = write(scratch.file("FamilyPlugin.pm"), 1, "");
        SidecarHost host = SidecarHost.start(scratch, file, settings -> settings.withMembers(1));
        assertThat(ask(host, "version")).isEqualTo(1);
        write(file, 2, "");
        await().atMost(LIMIT).until(() -> ask(host, "version") == 2);
        assertThat(host.plugin().members()).hasSize(1);
    }
}
