package dev.tenon.it.backup;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Disks of archives where there is no FUSE, on a kernel that has an NBD client. */
class ShownAsDeviceTest {
    @TestFactory
    Stream<DynamicTest> disks(Scratch scratch) {
        assumeTrue(Boolean.getBoolean("tenon.full"), "this takes long, and runs in bin/verify full");
        return new Guest(scratch).tests(ShownAsDevice.class);
    }
}
