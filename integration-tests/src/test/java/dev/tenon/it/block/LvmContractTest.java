package dev.tenon.it.block;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.it.support.Guest;
import dev.tenon.it.support.Scratch;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The contract holds for volumes of LVM on a kernel that has them. */
class LvmContractTest {
    @TestFactory
    Stream<DynamicTest> thin(Scratch scratch) {
        requireLongRun();
        return tests(scratch, LvmContract.Thin.class);
    }

    @TestFactory
    Stream<DynamicTest> thick(Scratch scratch) {
        requireLongRun();
        return tests(scratch, LvmContract.Thick.class);
    }

    @TestFactory
    Stream<DynamicTest> chains(Scratch scratch) {
        requireLongRun();
        return tests(scratch, LvmContract.Chains.class);
    }

    static void requireLongRun() {
        assumeTrue(Boolean.getBoolean("tenon.full"), "this takes long, and runs in bin/verify full");
    }

    private static Stream<DynamicTest> tests(Scratch scratch, Class<?> contract) {
        return new Guest(scratch).withDisk("4G").tests(contract);
    }
}
