package dev.tenon.core.storage.block.rbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Ceph 16.2.15 and 18.2.7 print; the keys that are read are the same. */
class AnswersTest {
    @Test
    void aListingHasImagesTheirSnapshotsAndTheirParents() {
        assertThat(Answers.images("""
            [{"image":"base-100-disk-0","id":"100d","size":10485760,"format":2},
             {"image":"base-100-disk-0","id":"100d","snapshot":"__base__","snapshot_id":4,"size":10485760,
              "format":2,"protected":"true"},
             {"image":"vm-101-disk-0","id":"1015","size":20971520,"parent":{"pool":"rbd","pool_namespace":"",
              "image":"base-100-disk-0","snapshot":"__base__"},"format":2,"lock_type":"exclusive"}]\
            """))
                .containsExactly(
                        new Image(
                                "base-100-disk-0",
                                10 << 20,
                                null,
                                List.of(new Image.Snapshot("__base__", 4, 10 << 20, true, null))),
                        new Image("vm-101-disk-0", 20 << 20, "base-100-disk-0@__base__", List.of()));
        assertThat(Answers.images("")).isEmpty();
        assertThat(Answers.images("[]")).isEmpty();
    }

    @Test
    void aSnapshotHasTheTimeOfItsCreation() {
        assertThat(Answers.snapshots("""
            [{"id":4,"name":"one","size":4194304,"protected":"false","timestamp":"Tue Dec  1 00:42:59 2026"},
             {"id":5,"name":"two","size":4194304,"protected":"true","timestamp":""}]\
            """))
                .containsExactly(
                        new Image.Snapshot("one", 4, 4 << 20, false, 1_796_085_779L),
                        new Image.Snapshot("two", 5, 4 << 20, true, null));
    }

    @Test
    void whatIsUsedIsOfTheImageAndNotOfItsSnapshots() {
        String text = """
            {"images":[{"name":"a","snapshot":"s","provisioned_size":8,"used_size":4},
                       {"name":"a","provisioned_size":8,"used_size":2}]}\
            """;
        assertThat(Answers.used(text, "a")).contains(2L);
        assertThat(Answers.used(text, "b")).isEmpty();
    }

    @Test
    void aPoolIsFullIfItsFlagsSaySo() {
        String text = """
            [{"pool_id":1,"pool_name":"rbd","flags":8195,"flags_names":"hashpspool,full,selfmanaged_snaps"},
             {"pool_id":2,"pool_name":"near","flags":1,"flags_names":"hashpspool,nearfull,backfillfull"},
             {"pool_id":3,"pool_name":"quota","flags":1,"flags_names":"hashpspool,full,full_quota"}]\
            """;
        assertThat(Answers.fullPools(text)).containsExactly("rbd", "quota");
    }

    @Test
    void theUseOfAPoolIsWhatIsStoredInIt() {
        String text = """
            {"stats":{},"pools":[{"name":"rbd","id":1,"stats":{"stored":19,"bytes_used":57,"max_avail":100}},
                                 {"name":"old","id":2,"stats":{"bytes_used":7,"max_avail":50}}]}\
            """;
        assertThat(Answers.use(text, "rbd")).contains(new Answers.Use(19, 100));
        assertThat(Answers.use(text, "old")).contains(new Answers.Use(7, 50));
        assertThat(Answers.use(text, "none")).isEqualTo(Optional.empty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "7", "[7]", "[{}]", "[{\"image\":3}]", "[{\"image\":\"a\",\"size\":-1}]", "null"})
    void anythingElseIsRefused(String text) {
        for (Function<String, ?> parser : List.<Function<String, ?>>of(Answers::images, Answers::info)) {
            assertThatThrownBy(() -> parser.apply(text))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.error()).isEqualTo(StorageError.BAD_RESULT));
        }
    }

    /** What other threads log is at the beginning of a line, or in the middle of one. */
    @Test
    void aLineIsReadWithoutWhatTheLogAndTheProgressPutIntoIt() {
        assertThat(Rbd.cleaned(
                        "2026-12-01T00:46:56.322+0000 7f8ebaffd6c0 -1 librbd::Request: cannot unprotect: at least 1"
                                + " child(ren)"))
                .isEqualTo("librbd::Request: cannot unprotect: at least 1 child(ren)");
        assertThat(Rbd.cleaned(
                        "rbd: create error: 2026-12-01T00:46:56.322+0000 7f8ebaffd6c0 -1 librbd: x already exists"))
                .isEqualTo("rbd: create error: librbd: x already exists");
        assertThat(Rbd.cleaned("Removing image: 0% complete...failed.")).isEmpty();
        assertThat(Rbd.cleaned("rbd: error: (2) No such file")).isEqualTo("rbd: error: (2) No such file");
    }

    @Test
    void theOptionOfTheKindOfAuthenticationIsThatOfTheVersion() {
        assertThat(Authentication.ofVersion("ceph version 16.2.15 (618f) pacific (stable)"))
                .isEqualTo(Authentication.OLD);
        assertThat(Authentication.ofVersion("ceph version 19.2.5-pve1 (x) squid (stable)"))
                .isEqualTo(Authentication.OLD);
        assertThat(Authentication.ofVersion("ceph version 19.2.6 (x) squid (stable)"))
                .isEqualTo(Authentication.NEW);
        assertThat(Authentication.ofVersion("ceph version 20.1.0 (x) tentacle (dev)"))
                .isEqualTo(Authentication.NEW);
        assertThat(Authentication.ofVersion("something")).isEqualTo(Authentication.OLD);
    }
}
