package dev.tenon.it.block;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The contract holds for volumes of ZFS on a kernel that has them. */
class ZfsContractTest {
    @TestFactory
    Stream<DynamicTest> zfspool(Scratch scratch) {
        requireLongRun();
        return Guest.withZfs(scratch).tests(ZfsContract.class);
    }

    static void requireLongRun() {
        assumeTrue(
                Boolean.getBoolean("tenon.full"),
                "building ZFS takes minutes, and its guest has no processor of its own: this runs in bin/verify full");
    }
}
