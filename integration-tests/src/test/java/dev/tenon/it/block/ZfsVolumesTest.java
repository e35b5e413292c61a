package dev.tenon.it.block;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Volumes of ZFS as no other type has them, pools in trouble, and operations that end in the middle. */
class ZfsVolumesTest {
    @TestFactory
    Stream<DynamicTest> volumes(Scratch scratch) {
        ZfsContractTest.requireLongRun();
        return Guest.withZfs(scratch).tests(ZfsVolumes.class);
    }

    @TestFactory
    Stream<DynamicTest> killed(Scratch scratch) {
        ZfsContractTest.requireLongRun();
        return Guest.withZfs(scratch).tests(ZfsKills.class);
    }
}
