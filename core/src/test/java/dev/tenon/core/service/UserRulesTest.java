package dev.tenon.core.service;

import static dev.tenon.core.service.ServiceFixture.LOCAL;
import static dev.tenon.core.testing.Failing.isRefused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How fast a user may use volumes, by what PVE's user management allows. */
class UserRulesTest {
    private static final int KIB = 1024;

    @TempDir
    Path scratch = Path.of("");

    /** Privileges written {@code /path=Privilege}, separated by blanks. */
    private StorageService userWith(@Nullable String privileges, String... properties) throws IOException {
        ServiceFixture fixture = new ServiceFixture(scratch).type(new DirPlugin());
        Set<String> held = privileges == null ? Set.of() : Set.of(privileges.split(" "));
        fixture.permissions =
                (path, wanted) -> wanted.stream().anyMatch(privilege -> held.contains(path + "=" + privilege));
        String lines = String.join(
                "", List.of(properties).stream().map(line -> "\t" + line + "\n").toList());
        return fixture.service(
                "dir: fast\n\tpath " + fixture.directory("fast") + "\n" + lines,
                "dir: slow\n\tpath " + fixture.directory("slow") + "\n");
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
                    'bwlimit clone=100,default=50', ,              ,     , 100
                    'bwlimit default=50',           ,              ,     , 50
                    'bwlimit migration=50',         ,              ,     , none
                    'bwlimit migration=50',         ,              , 70  , 70
                    'bwlimit clone=100',            ,              , 70  , 100
                    'bwlimit clone=100',            ,          200 ,     , 100
                    'bwlimit clone=100',            ,           50 ,     , 50
                    'bwlimit clone=100',            ,            0 ,     , 100
                    'bwlimit clone=100', /storage=Datastore.Allocate, 200, , 200
                    'bwlimit clone=100', /storage/fast=Datastore.Allocate, 200, 70, 200
                    'bwlimit clone=100', /storage=Datastore.Allocate,  0 , , none
                    'bwlimit migration=50', /=Sys.Modify,      200 , 70  , 200
                    'bwlimit migration=50', /=Sys.Modify,          , 70  , 70
                    'bwlimit clone=0',              ,              ,     , none
                    'bwlimit clone=0.5',            ,              ,     , 0.5
                    """)
    void theSlowestLimitHoldsUnlessTheUserMayChangeIt(
            String property,
            @Nullable String privileges,
            @Nullable Long requested,
            @Nullable String datacenter,
            String expected)
            throws IOException {
        StorageService service = userWith(privileges, property);

        OptionalLong limit = service.bandwidthLimit(
                BandwidthUse.CLONE,
                List.of(LOCAL, LOCAL),
                requested == null ? OptionalLong.empty() : OptionalLong.of(requested * KIB),
                datacenter == null ? null : "clone=" + datacenter);

        assertThat(limit)
                .isEqualTo(
                        expected.equals("none")
                                ? OptionalLong.empty()
                                : OptionalLong.of((long) (Double.parseDouble(expected) * KIB)));
    }

    @Test
    void aStorageWithoutALimitHasThatOfTheDataCentre() throws IOException {
        StorageService service = userWith(null, "bwlimit clone=100");

        assertThat(service.bandwidthLimit(
                        BandwidthUse.CLONE, List.of(LOCAL, new StorageId("slow")), OptionalLong.empty(), "default=30"))
                .hasValue(30 * KIB);
        assertThat(service.bandwidthLimit(
                        BandwidthUse.RESTORE, Collections.emptyList(), OptionalLong.empty(), "restore=30"))
                .hasValue(30 * KIB);
        isRefused(
                () -> service.bandwidthLimit(
                        BandwidthUse.MOVE, Collections.emptyList(), OptionalLong.empty(), "move=fast"),
                StorageError.BAD_CONFIG,
                "bwlimit 'move=fast' is not a list of OPERATION=KIB_PER_SECOND");
    }
}
