package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Perl classes of the types written in Java, as a PVE host loads them. */
class NativeProxyTest {
    @ParameterizedTest
    @CsvSource({
        "dir,    DirPlugin,   path=/srv/x,          /srv/x,         false, qcow2 raw subvol vmdk, ''",
        "nfs,    Plugin,      server=nas export=/e, /mnt/pve/store, true,  qcow2 raw vmdk,        ''",
        "cifs,   Plugin,      server=nas share=s,   /mnt/pve/store, true,  qcow2 raw vmdk,        password",
        "btrfs,  BTRFSPlugin, path=/srv/x,          /srv/x,         false, raw subvol,            ''",
        "cephfs, Plugin,      monhost=mon,          /mnt/pve/store, true,  '',                    keyring",
        "storpool, Plugin,    template=hybrid,      '',             false, raw,                   ''"
    })
    void aTypeOfJavaIsLoadedByAHost(
            String type,
            String base,
            String properties,
            String path,
            boolean isShared,
            String formats,
            String secret,
            Scratch scratch)
            throws IOException {
        Path file = scratch.file("Tenon" + type + ".pm");
        TenonCommand made = TenonCommand.run(scratch, "proxy", type, "--output", file.toString());
        assertThat(made.status()).as(made.errors()).isZero();

        PerlProgram host = PerlProgram.start(
                scratch, List.of(), Installation.resource("perl/load-type.pl"), file.toString(), properties);
        Map<String, Object> told = JSON.std.mapFrom(host.line());
        assertThat(host.errors()).isEmpty();
        assertThat(told)
                .isEqualTo(Map.of(
                        "base",
                        "PVE::Storage::" + base,
                        "type",
                        "tenon" + type,
                        "path",
                        path,
                        "shared",
                        isShared,
                        "formats",
                        formats,
                        "secret",
                        secret));
    }
}
