package dev.tenon.it.sidebyside;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * The type {@code zfspool} in Java beside PVE's own plugin, on two pools and on one; only with {@code -Dtenon.full=true}, as all
 * of ZFS. {@code -Dtenon.sidebyside.seed} and {@code -Dtenon.sidebyside.steps} give another sequence.
 */
@EnabledIfEnvironmentVariable(named = "TENON_PVE_LIB", matches = ".+", disabledReason = "needs PVE's own libraries")
class ZfsBesidePveTest {
    @TestFactory
    Stream<DynamicTest> volumesOfZfs(Scratch scratch) {
        assumeTrue(PoolComparison.IS_LONG, "its guest has no processor of its own: this runs in bin/verify full");
        return Guest.withZfs(scratch).within(Duration.ofHours(3)).tests(ZfsBesidePve.class);
    }
}
