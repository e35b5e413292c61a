package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.SidecarHost;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Names that are no ASCII, or no names. */
class NamesAcrossTest {
    @Test
    void aNameInUtf8GoesThereAndBackUnchanged(Scratch scratch) {
        Assumptions.assumeTrue(
                "UTF-8".equals(System.getProperty("sun.jnu.encoding")), "needs a locale whose file names are UTF-8");
        ScratchStorage storage = ScratchStorage.empty(scratch);
        Map<String, Object> scfg = storage.section("tenondir");
        String name = "100/vm-100-k\u00e4se-\u20ac.raw";
        String file = storage.image(name, "-f", "raw", "1M").toString();
        DaemonProcess.start(scratch);
        PerlCaller perl = PerlCaller.start(scratch);
        assertThat(utf8(perl.scalar("path", scfg, name, ID).value())).isEqualTo(file);
        assertThat(perl.scalar("volume_size_info", scfg, ID, name).value()).isEqualTo("1048576");
        assertThat(utf8(perl.scalar("list_images", ID, scfg, null, null, Map.of())
                        .value()))
                .contains("volid=" + ID + ":" + name);
    }

    /** What Perl holds as octets, a character each. */
    private static String utf8(@Nullable Object octets) {
        return new String(String.valueOf(octets).getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    @Test
    void aNameThatIsNoUtf8IsRefusedBeforeItIsSent(Scratch scratch) {
        DaemonProcess.start(scratch);
        PerlCaller perl = PerlCaller.start(scratch);
        assertThat(perl.octets("list", "parse_volname", "100/vm-100-disk-\u00e4.raw")
                        .died())
                .endsWith("the text '100/vm-100-disk-?.raw' is not valid UTF-8\n");
        assertThat(perl.scalar("parse_volname", "100/vm-100-disk-0.raw").value())
                .isEqualTo("raw");
    }

    @Test
    void aNameInAPluginsListThatLeadsElsewhereIsLeftOutAndToldInTheLog(Scratch scratch) throws IOException {
        SidecarHost host = SidecarHost.start(scratch, Installation.plugin("OddListPlugin.pm"));
        for (String odd : List.of("../../etc/passwd", "/etc/passwd", "100/a\nb.raw", "-rf.raw", "100/..")) {
            assertThat(host.plugin().listImages(host.storage("odd", odd), ImageFilter.all(), OperationCache.create()))
                    .extracting(image -> image.volid().volume().value())
                    .containsExactly("100/vm-100-disk-0.raw", "100/vm-100-disk-1.raw");
            assertThat(host.log())
                    .anyMatch(line ->
                            line.startsWith("WARN event=entry-left-out") && line.contains(odd.replace("\n", "\\n")));
        }
    }
}
