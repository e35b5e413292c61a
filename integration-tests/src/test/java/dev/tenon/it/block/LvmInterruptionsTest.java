package dev.tenon.it.block;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * Operations on volumes of LVM that end in the middle: by kill -9, {@code -Dtenon.kills} times, and made by hand; and pools and
 * groups in trouble.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES) // as long as a guest may run; each test in it has a limit of its own
class LvmInterruptionsTest {
    @TestFactory
    Stream<DynamicTest> killed(Scratch scratch) {
        return new Guest(scratch).withDisk("4G").tests(LvmKills.class);
    }

    @TestFactory
    Stream<DynamicTest> left(Scratch scratch) {
        return new Guest(scratch).withDisk("4G").tests(LvmLeftovers.class);
    }

    @TestFactory
    Stream<DynamicTest> troubled(Scratch scratch) {
        LvmContractTest.requireLongRun();
        return new Guest(scratch).withDisk("4G").withDisk("1G").tests(LvmTroubles.class);
    }
}
