package dev.tenon.core.storage.block.lvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reports as LVM printed them, of Debian 12 (2.03.16) unless it is said that they are of 13 (2.03.31). */
class ReportTest {
    private static final String VOLUMES = """
          {
              "report": [
                  {
                      "lv": [
                          {"vg_name":"lab-vg", "lv_name":"data", "lv_size":"536870912", "lv_attr":"twi-aotz--", "pool_lv":"", "data_percent":"12.50", "metadata_percent":"11.52", "lv_tags":"", "lv_metadata_size":"4194304", "lv_time":"1796031796"},
                          {"vg_name":"lab-vg", "lv_name":"snap_vm-101-disk-0_before", "lv_size":"104857600", "lv_attr":"Vri---tz-k", "pool_lv":"data", "data_percent":"", "metadata_percent":"", "lv_tags":"", "lv_metadata_size":"", "lv_time":"1796031797"},
                          {"vg_name":"lab-vg", "lv_name":"vm-100-disk-0.qcow2", "lv_size":"4194304", "lv_attr":"-wi-ao----", "pool_lv":"", "data_percent":"", "metadata_percent":"", "lv_tags":"a:b,pve-vm-100,pve-vm-100-disk-0.qcow2", "lv_metadata_size":"", "lv_time":"1796031798"},
                          {"vg_name":"lab-vg", "lv_name":"vm-101-disk-0", "lv_size":"104857600", "lv_attr":"Vwi-a-tz--", "pool_lv":"data", "data_percent":"64.00", "metadata_percent":"", "lv_tags":"", "lv_metadata_size":"", "lv_time":"1796031797"}
                      ]
                  }
              ]
          }
        """;

    private static LogicalVolume named(String name) {
        return Report.volumes(VOLUMES).stream()
                .filter(volume -> volume.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aThinPoolTellsWhatIsInUse() {
        LogicalVolume pool = named("data");
        assertThat(pool.isThinPool()).isTrue();
        assertThat(pool.isThin() || pool.isThick()).isFalse();
        assertThat(pool.isActive()).isTrue();
        assertThat(pool.usedBytes()).isEqualTo(67108864);
        assertThat(pool.metadataUsedBytes()).isEqualTo(483183);
    }

    private static boolean isFull(String attributes, double used, double metadataUsed) {
        return new LogicalVolume("vg", "data", 1 << 30, attributes, "", used, 4 << 20, metadataUsed, List.of(), null)
                .isFull();
    }

    /** The letters are those that lvs documents. */
    @Test
    void aThinPoolIsFullIfItSaysSoOrAllOfItIsInUse() {
        assertThat(isFull("twi-aotz--", 99.99, 99)).isFalse();
        assertThat(isFull("twi-aotz--", 100, 10)).isTrue();
        assertThat(isFull("twi-aotzD-", 99.9, 10)).isTrue();
        assertThat(isFull("twi-aotzM-", 50, 95)).isTrue();
        // Its metadata is read-only for another reason.
        assertThat(isFull("twi-aotzM-", 50, 20)).isFalse();
        assertThat(named("data").isFull()).isFalse();
    }

    @Test
    void aSnapshotIsReadOnlyAndNotActive() {
        LogicalVolume snapshot = named("snap_vm-101-disk-0_before");
        assertThat(snapshot.isThin() && snapshot.isReadOnly()).isTrue();
        assertThat(snapshot.isActive() || snapshot.isOpen()).isFalse();
        assertThat(snapshot.pool()).isEqualTo("data");
        assertThat(snapshot.used()).isNull();
        assertThat(snapshot.created()).isEqualTo(1796031797);
    }

    /** A tag may hold what PVE's plugin splits its lines at. */
    @Test
    void aThickVolumeHasTagsOfAnyKind() {
        LogicalVolume volume = named("vm-100-disk-0.qcow2");
        assertThat(volume.isThick() && volume.isActive() && volume.isOpen()).isTrue();
        assertThat(volume.tags()).containsExactly("a:b", "pve-vm-100", "pve-vm-100-disk-0.qcow2");
        assertThat(volume.isTagged()).isTrue();
        assertThat(named("vm-101-disk-0").isTagged()).isFalse();
    }

    @Test
    void aVolumeGroupTellsItsRoomAndWhetherADiskIsMissing() {
        String text = """
              {
                  "report": [
                      {
                          "vg": [
                              {"vg_name":"lab-vg", "vg_size":"4290772992", "vg_free":"3741319168", "vg_extent_size":"4194304", "vg_missing_pv_count":"0"},
                              {"vg_name":"torn", "vg_size":"8589934592", "vg_free":"0", "vg_extent_size":"4194304", "vg_missing_pv_count":"1"}
                          ]
                      }
                  ]
              }
            """;
        List<VolumeGroup> groups = Report.groups(text);
        assertThat(groups)
                .containsExactly(
                        new VolumeGroup("lab-vg", 4290772992L, 3741319168L, 4194304, 0),
                        new VolumeGroup("torn", 8589934592L, 0, 4194304, 1));
        assertThat(groups.getFirst().rounded(1)).isEqualTo(4194304);
        assertThat(groups.getFirst().rounded(4194304)).isEqualTo(4194304);
    }

    @Test
    void nothingIsAReportToo() {
        assertThat(Report.volumes("{\"report\":[{\"lv\":[]}]}")).isEmpty();
        assertThat(Report.groups("{\"report\":[]}")).isEmpty();
    }

    /** Debian 13 puts what it has to say beside the rows. */
    @Test
    void whatIsLoggedBesideTheRowsIsNoRow() {
        String text =
                "  Logical volume \"x\" created.\n" + VOLUMES.stripTrailing().replaceFirst("}\\z", """
                      , "log": [
                          {"log_seq_num":"1", "log_type":"error", "log_context":"processing", "log_object_type":"vg", "log_object_name":"torn", "log_object_id":"", "log_object_group":"", "log_object_group_id":"", "log_message":"Cannot process volume group torn", "log_errno":"-1", "log_ret_code":"0"}
                      ] }
                    """);
        assertThat(Report.volumes(text)).isEqualTo(Report.volumes(VOLUMES));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "  Volume group \"x\" not found",
                "{",
                "{\"report\": 1}",
                "{\"report\":[{\"lv\":[1]}]}",
                "{\"report\":[{\"lv\":[{\"vg_name\":\"v\",\"lv_name\":\"l\",\"lv_size\":\"much\"}]}]}",
                "{\"report\":[{\"lv\":[{\"vg_name\":\"v\",\"lv_name\":\"l\",\"lv_size\":\"-1\"}]}]}"
            })
    void whatIsNoReportIsRefusedInOneLine(String text) {
        assertThatThrownBy(() -> Report.volumes(text)).isInstanceOfSatisfying(StorageException.class, failure -> {
            assertThat(failure.error()).isEqualTo(StorageError.BAD_RESULT);
            assertThat(failure.outcome()).isEqualTo(Outcome.NOT_STARTED);
            assertThat(failure.getMessage()).startsWith("lvs answers").doesNotContain("\n");
        });
    }
}
