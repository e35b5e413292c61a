package dev.tenon.core.storage.block.lvm;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What lvs and vgs print with {@code --reportformat json}: an object with a list {@code report}, each of which has a list of
 * rows, whose values are texts. A log may be beside it, and lines for people before it.
 */
final class Report {
    static final String VOLUME_FIELDS = "vg_name,lv_name,lv_size,lv_attr,pool_lv,data_percent,metadata_percent,"
            + "lv_tags,lv_metadata_size,lv_time";
    static final String GROUP_FIELDS = "vg_name,vg_size,vg_free,vg_extent_size,vg_missing_pv_count";

    private final String program;
    private final Map<?, ?> row;

    private Report(String program, Map<?, ?> row) {
        this.program = program;
        this.row = row;
    }

    /**
     * The volumes that lvs tells of; those that have no name of their own are left out.
     *
     * @throws StorageException {@code BAD_RESULT} if it is not such a report
     */
    static List<LogicalVolume> volumes(String text) {
        return rows("lvs", text, "lv")
                .filter(row ->
                        !row.text("vg_name").isEmpty() && !row.text("lv_name").isEmpty())
                .map(row -> new LogicalVolume(
                        row.text("vg_name"),
                        row.text("lv_name"),
                        row.bytes("lv_size"),
                        row.text("lv_attr"),
                        row.text("pool_lv"),
                        row.percent("data_percent"),
                        row.text("lv_metadata_size").isEmpty() ? 0 : row.bytes("lv_metadata_size"),
                        row.percent("metadata_percent"),
                        row.items("lv_tags"),
                        row.seconds("lv_time")))
                .toList();
    }

    /** The volume groups that vgs tells of; fails as {@link #volumes} does. */
    static List<VolumeGroup> groups(String text) {
        return rows("vgs", text, "vg")
                .filter(row -> !row.text("vg_name").isEmpty())
                .map(row -> new VolumeGroup(
                        row.text("vg_name"),
                        row.bytes("vg_size"),
                        row.bytes("vg_free"),
                        row.bytes("vg_extent_size"),
                        (int) row.bytes("vg_missing_pv_count")))
                .toList();
    }

    private static Stream<Report> rows(String program, String text, String kind) {
        int start = text.indexOf('{');
        if (start < 0) {
            throw bad(program, text.isBlank() ? "nothing" : text.strip(), null);
        }
        Map<String, Object> whole;
        try {
            whole = JSON.std.mapFrom(text.substring(start));
        } catch (IOException e) {
            throw bad(program, text.strip(), e);
        }
        if (!(whole.get("report") instanceof List<?> reports)) {
            throw bad(program, "no report", null);
        }
        List<Report> rows = new ArrayList<>();
        for (Object report : reports) {
            if (report instanceof Map<?, ?> map && map.get(kind) instanceof List<?> list) {
                for (Object each : list) {
                    if (!(each instanceof Map<?, ?> row)) {
                        throw bad(program, "a row that is none", null);
                    }
                    rows.add(new Report(program, row));
                }
            }
        }
        return rows.stream();
    }

    private String text(String field) {
        return row.get(field) instanceof String text ? text : "";
    }

    private List<String> items(String field) {
        String text = text(field);
        return text.isEmpty() ? List.of() : List.of(text.split(",", -1));
    }

    private long bytes(String field) {
        String text = text(field);
        if (!text.matches("\\d{1,18}")) {
            throw bad(program, field + " '" + text + "'", null);
        }
        return Long.parseLong(text);
    }

    private @Nullable Double percent(String field) {
        String text = text(field);
        return text.matches("\\d{1,3}(?:\\.\\d{1,9})?") ? Double.valueOf(text) : null;
    }

    private @Nullable Long seconds(String field) {
        String text = text(field);
        return text.matches("\\d{1,18}") ? Long.valueOf(text) : null;
    }

    private static StorageException bad(String program, String what, @Nullable Throwable cause) {
        String shown = what.length() > 200 ? what.substring(0, 200) + "..." : what;
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.NOT_STARTED,
                program + " answers what is no report: " + shown.replaceAll("\\s+", " "),
                cause);
    }
}
