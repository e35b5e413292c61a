package dev.tenon.it.sidebyside;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * The types of LVM in Java beside PVE's own plugins, on two volume groups and on one. {@code -Dtenon.sidebyside.seed} and
 * {@code -Dtenon.sidebyside.steps} give another sequence; {@code -Dtenon.full=true} a long one, and workers of both on one.
 */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class LvmBesidePveTest {
    @TestFactory
    Stream<DynamicTest> volumesOfLvm(Scratch scratch) {
        return new Guest(scratch)
                .within(Duration.ofHours(3))
                .withDisk("2G")
                .withDisk("2G")
                .tests(LvmBesidePve.class);
    }
}
