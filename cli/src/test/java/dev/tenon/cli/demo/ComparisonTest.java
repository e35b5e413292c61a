package dev.tenon.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.storage.StorageApi;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static final long TOTAL = 250L << 30;
    private static final long AVAIL = 80L << 30;

    private static @Nullable String difference(Map<String, Object> one, Map<String, Object> other) {
        return Comparison.difference(call(one), answer(one), answer(other), Set.of());
    }

    private static RecordedCall call(Map<String, Object> status) {
        return new RecordedCall("status", List.of(), status, null);
    }

    private static Answer answer(Map<String, Object> status) {
        return Answer.ofPerl(StorageApi.API.table().method("status"), call(status));
    }

    private static Map<String, Object> status(long avail) {
        return Map.of("total", TOTAL, "avail", avail, "used", TOTAL - avail, "active", true);
    }

    @Test
    void otherProgramsMayWriteToTheDiskBetweenTwoCalls() {
        assertThat(difference(status(AVAIL), status(AVAIL - (3L << 30)))).isNull();
    }

    @Test
    void whatAFileSystemReservesIsADifference() {
        assertThat(difference(status(AVAIL), status(AVAIL - TOTAL / 20))).contains("'avail' is ");
    }

    @Test
    void anotherUnitIsADifference() {
        assertThat(difference(status(AVAIL), status(AVAIL >> 10))).contains("'avail' is ");
    }
}
